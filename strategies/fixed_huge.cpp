// fixed_huge: 500 connections, a wait of 30 s. "More is faster."
//
// Shines: long requests that mostly sleep, on a server that has this database to
//   itself and lets that many in.
// Fails: PostgreSQL lets 100 in by default. The pool runs into that ceiling, and
//   locks out every other application. Where requests fight over the same rows,
//   each further connection makes all of them slower.
// Formula: none; that is the point. What a size ought to be: HikariCP, "About
//   Pool Sizing", two connections a processor core and one a disc.
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct FixedHuge {
  int max = 500;
  Duration wait = 30_s;

  void params(Params &p) {
    p.add("max", max, 1, 1000, "connections, at most");
    p.add("wait_ms", wait, 0_ms, 300_s, "how long a request may wait for one");
  }

  Plan look(const Observation &) {
    Plan plan;
    plan.max_in_use = static_cast<unsigned>(max);
    plan.max_connecting = 16;  // opens them in a rush
    plan.idle_timeout = 600_s; // and hardly ever gives one back
    plan.wait_timeout = wait;
    return plan;
  }

  void explain(Line &line) { line << "up to " << max << " connections, whatever happens"; }
};

POOL_LAB_STRATEGY(FixedHuge, "500 connections, a wait of 30 s: hits the server's ceiling");
