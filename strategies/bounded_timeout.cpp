// bounded_timeout: 10 connections, a queue of at most 200, a wait of at most 1 s.
//
// Shines: one load, known beforehand. Too much of it fails early, evenly and
//   cheaply, and what is served is served in time.
// Fails: a load that changes. 10 connections held 50 ms each serve 200 requests a
//   second and no more, though the database could; and 10 may be too many for it.
// Formula: size by Little's law, connections = requests a second x seconds held.
//   The queue: what the pool serves within the wait, 10 / 0.050 s x 1 s = 200.
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct BoundedTimeout {
  int max = 10;
  int queue = 200;
  Duration wait = 1000_ms;

  void params(Params &p) {
    p.add("max", max, 1, 1000, "connections, at most");
    p.add("max_waiting", queue, 0, 1000, "requests that may wait; more are refused at once");
    p.add("wait_ms", wait, 0_ms, 60_s, "how long a request may wait for a connection");
  }

  Plan look(const Observation &) {
    Plan plan;
    plan.max_in_use = static_cast<unsigned>(max);
    plan.max_waiting = static_cast<unsigned>(queue);
    plan.wait_timeout = wait;
    return plan;
  }

  void explain(Line &line) {
    line << "always " << max << " connections; at most " << queue << " wait, for " << wait;
  }
};

POOL_LAB_STRATEGY(BoundedTimeout,
                  "10 connections, a short queue, a wait of 1 s: fails fast and evenly");
