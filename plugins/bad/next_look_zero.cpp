// Wants to be asked again at once, always.
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct NextLookZero {
  Plan look(const Observation &seen) {
    (void)seen;
    Plan plan;
    plan.next_look = 0_ms;
    return plan;
  }
};

POOL_LAB_STRATEGY(NextLookZero, "Wants to be asked again at once, always.");
