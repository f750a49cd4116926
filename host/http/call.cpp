#include "host/http/call.hpp"

#include <nlohmann/json.hpp>

#include "host/http/answer.hpp"

namespace lab::host {
namespace {

constexpr int deepest = 32;

} // namespace

nlohmann::json json_object(const Call &call) {
  if (call.body.empty())
    return nlohmann::json::object();
  nlohmann::json body;
  try {
    // The callback sees the depth before the tree is built, so that a million
    // brackets cost nothing.
    body = nlohmann::json::parse(
        call.body, [](int depth, nlohmann::json::parse_event_t, nlohmann::json &) {
          if (depth > deepest)
            throw Problem::bad_request("the body is nested deeper than 32 levels");
          return true;
        });
  } catch (const nlohmann::json::parse_error &e) {
    throw Problem::bad_request("the body is not JSON: stopped at byte " + std::to_string(e.byte));
  }
  if (!body.is_object())
    throw Problem::bad_request("the body must be a JSON object");
  return body;
}

} // namespace lab::host
