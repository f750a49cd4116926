// Lets a request wait for less than no time.
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct BadVerdict {
  Verdict admit(const Ask &ask) {
    return Verdict::wait_at_front(Duration{-1} - Duration{ask.ahead});
  }
  Plan look(const Observation &seen) {
    (void)seen;
    return {};
  }
};

POOL_LAB_STRATEGY(BadVerdict, "Lets a request wait for less than no time.");
