#include "host/http/answer.hpp"

#include <nlohmann/json.hpp>

namespace lab::host {

Answer answer_for(const Problem &problem) {
  const nlohmann::json body = {{"type", "about:blank"},
                               {"title", problem.code},
                               {"status", problem.status},
                               {"code", problem.code},
                               {"detail", problem.what()}};
  // A text from outside may hold anything; what is not UTF-8 is replaced.
  Answer answer{problem.status, body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
                "application/problem+json"};
  if (problem.status == 503)
    answer.headers.emplace_back("Retry-After", "1");
  if (!problem.allow.empty())
    answer.headers.emplace_back("Allow", problem.allow);
  return answer;
}

} // namespace lab::host
