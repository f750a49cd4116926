#include "loadtest/lab/pool_problems.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lab::cli {
namespace {

using nlohmann::json;

std::string leak_problem(const std::string &host, const json &suspected) {
  const json &longest = suspected.front();
  const std::string number =
      suspected.size() == 1 ? "a leak" : fmt::format("{} leaks", suspected.size());
  return fmt::format(
      "{} suspects {}: {} has held a connection for {:.0f} s (backend {}); mend what "
      "does not give it back, and free its place with scripts/lab reclaim",
      host, number, longest.at("route").get<std::string>(),
      longest.at("held_ms").get<double>() / 1000, longest.at("backend_pid").get<int>());
}

} // namespace

std::vector<std::string> pool_problems(const std::string &host, const json &pool) {
  std::vector<std::string> problems;
  // A host that was started before an upgrade does not tell these yet.
  const json leaks = pool.value("leaks", json::object());
  if (const json suspected = leaks.value("now", json::array()); !suspected.empty())
    problems.push_back(leak_problem(host, suspected));
  if (pool.value("paused", false))
    problems.push_back(host +
                       " hands out no connections, for its pool is paused: let it go on with "
                       "scripts/lab resume");
  return problems;
}

} // namespace lab::cli
