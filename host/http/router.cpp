#include "host/http/router.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace lab::host {
namespace {

double milliseconds(pool::Duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

// Where the time went, in the header that browsers show as well.
std::string server_timing(const Call &call) {
  std::string text = fmt::format("wait;dur={:.3f}", milliseconds(call.waited));
  if (call.held_connection)
    fmt::format_to(std::back_inserter(text), ", hold;dur={:.3f}", milliseconds(call.held));
  return text;
}

} // namespace

void Router::add(const std::string &method, const std::string &pattern, bool changes, Serve serve) {
  const std::size_t id = pattern.find(":id");
  routes_.push_back({method, pattern.substr(0, id), id != std::string::npos, changes, false,
                     std::move(serve), metrics_.route(method, pattern)});
}

void Router::add_work(const std::string &method, const std::string &pattern, bool changes,
                      Serve serve) {
  add(method, pattern, changes, std::move(serve));
  routes_.back().work = true;
}

bool Router::is_work(const Call &call) const {
  return std::any_of(routes_.begin(), routes_.end(), [&](const Route &route) {
    return route.work && route.method == call.method && fits(route, call);
  });
}

Answer Router::serve(Call &call) const {
  const Route *route = nullptr;
  Answer answer;
  std::string code = "ok";
  try {
    route = &find(call);
    gate_.check(call, route->changes);
    answer = route->serve(call);
  } catch (const Problem &problem) {
    code = problem.code;
    answer = answer_for(problem);
  } catch (const std::exception &e) {
    // Nothing may leave a handler: Poco would close the connection without a word.
    code = "query_failed";
    spdlog::error("{} {}: {}", call.method, call.path, e.what());
    answer = answer_for({500, code, "the host made a mistake; see its log"});
  }
  if (call.dealt_with_pool) {
    answer.headers.emplace_back("Server-Timing", server_timing(call));
    metrics_.waited(call.waited, call.held_connection);
    metrics_.ended(code);
    if (call.held_connection)
      metrics_.held(call.held);
  }
  (route != nullptr ? *route->metrics : *unknown_)
      .count(answer.status, clock_.now() - call.received);
  return answer;
}

bool Router::fits(const Route &route, const Call &call) {
  return route.has_parameter ? call.path.size() > route.pattern.size() &&
                                   call.path.compare(0, route.pattern.size(), route.pattern) == 0 &&
                                   call.path.find('/', route.pattern.size()) == std::string::npos
                             : call.path == route.pattern;
}

const Router::Route &Router::find(Call &call) const {
  std::string allowed;
  for (const Route &route : routes_) {
    if (!fits(route, call))
      continue;
    if (route.method == call.method) {
      call.parameter = route.has_parameter ? call.path.substr(route.pattern.size()) : "";
      return route;
    }
    allowed += (allowed.empty() ? "" : ", ") + route.method;
  }
  if (!allowed.empty()) {
    Problem problem(405, "method_not_allowed", "use " + allowed);
    problem.allow = allowed;
    throw problem;
  }
  throw Problem::not_found("there is no such page");
}

} // namespace lab::host
