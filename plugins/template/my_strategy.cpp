// my_strategy: what it does, in a line.
//
// A strategy sees numbers and answers with numbers. As it stands here it behaves like
// bounded_timeout; change it, save, and see. Everything that can be asked and answered
// is told in pool_lab/strategy.h.
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct MyStrategy {
  // What it remembers, and what a user may set. One instance, one thread, never two
  // calls at once: no locks. No `static` variables: the lab runs several instances.
  int max = 10;
  int queue = 200;
  Duration wait = 1000_ms;

  // Settings: name, variable, lowest, highest, help. Set by `lab use my_strategy --set max=20`, in
  // my/settings.toml and on the page, while it runs.
  void params(Params &p) {
    p.add("max", max, 1, 1000, "connections, at most");
    p.add("max_waiting", queue, 0, 1000, "requests that may wait; more are refused at once");
    p.add("wait_ms", wait, 0_ms, 60_s, "how long a request may wait for a connection");
  }

  // The one function that there must be: what was seen since the last look, and how
  // the pool is to behave until the next. Called at start, after a setting changed, and
  // whenever plan.next_look is over.
  Plan look(const Observation &seen) {
    // Some of what can be seen; the first time, everything is zero:
    //   seen.since_last_look()  seen.time()             how long, since when
    //   seen.asked  seen.served  seen.timed_out         requests, in that time
    //   seen.in_use.now  seen.in_use.mean               connections; also .low, .high
    //   seen.waiting.high  seen.mean_wait()             who waited, and how long
    //   seen.mean_hold()                                how long connections were held
    //   seen.server_max_connections                     what the server allows
    (void)seen;

    Plan plan;
    plan.max_in_use = static_cast<unsigned>(max);
    plan.max_waiting = static_cast<unsigned>(queue);
    plan.wait_timeout = wait;
    // Also: max_open, min_idle, order (Order::lifo), idle_timeout, look_when_waiting ...
    // plan.next_look = 100_ms;                        // default: 1 s
    return plan;
  }

  // One line for the page and `lab status`: why the plan is as it is. May be left out.
  void explain(Line &line) {
    line << "always " << max << " connections; at most " << queue << " wait, for " << wait;
  }

  // Also possible, and left out here:
  //   Verdict admit(const Ask &ask)            decide on each request that has to wait
  //   size_t save(void *bytes, size_t room)    hand what it knows to the next build, so that
  //   bool restore(const void *bytes, size_t)  a save does not forget it: write_state, read_state
};

POOL_LAB_STRATEGY(MyStrategy, "10 connections, a short queue, a wait of 1 s; to be changed")
