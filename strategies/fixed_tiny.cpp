// fixed_tiny: a pool of 3 connections, and nobody waits longer than 200 ms.
// Shines: few users, very short requests. The database is never crowded.
// Fails: requests that hold a connection for long. 3 connections held 50 ms each
// serve 3 / 0.050 s = 60 requests a second, while the database idles (Little's law).
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct FixedTiny {
  int max = 3;            // connections, at most
  Duration wait = 200_ms; // how long a request may wait for one

  void params(Params &p) {
    p.add("max", max, 1, 1000, "connections, at most");
    p.add("wait_ms", wait, 0_ms, 60_s, "how long a request may wait for one");
  }

  Plan look(const Observation &) {
    Plan plan;
    plan.max_in_use = max;
    plan.wait_timeout = wait;
    return plan;
  }

  void explain(Line &line) { line << "always " << max << " connections"; }
};

POOL_LAB_STRATEGY(FixedTiny, "3 connections, a wait of 200 ms: starves when requests are long");
