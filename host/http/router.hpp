// Which code serves which request. Filled at the start, read-only after. [any thread]
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/http/answer.hpp"
#include "host/http/call.hpp"
#include "host/http/gate.hpp"
#include "host/metrics.hpp"

namespace lab::host {

using Serve = std::function<Answer(Call &)>;

class Router {
public:
  Router(const Clock &clock, Metrics &metrics, Gate gate)
      : clock_(clock), metrics_(metrics), gate_(std::move(gate)),
        unknown_(metrics.route("", "(unknown)")) {}

  // `pattern` may end in "/:id". `changes`: it changes data, so foreign sites are refused.
  void add(const std::string &method, const std::string &pattern, bool changes, Serve serve);
  // The same, of one that works for clients over the pool. All else watches the host or steers it,
  // and stays reachable when it is busy: a swap, or the end of a fault, may be the cure.
  void add_work(const std::string &method, const std::string &pattern, bool changes, Serve serve);

  bool is_work(const Call &call) const;

  // Never throws: what goes wrong becomes a problem+json answer.
  Answer serve(Call &call) const;

private:
  struct Route {
    std::string method;
    std::string pattern; // without ":id"
    bool has_parameter;
    bool changes;
    bool work;
    Serve serve;
    std::unique_ptr<RouteMetrics> metrics;
  };
  static bool fits(const Route &route, const Call &call);
  const Route &find(Call &call) const;
  Answer run(const Route &route, Call &call) const;

  const Clock &clock_;
  Metrics &metrics_;
  Gate gate_;
  std::unique_ptr<RouteMetrics> unknown_;
  std::vector<Route> routes_;
};

} // namespace lab::host
