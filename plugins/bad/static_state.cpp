// Works, but counts in a static variable, so two instances disturb each other.
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

static unsigned counter = 0;

struct StaticState {
  Plan look(const Observation &seen) {
    (void)seen;
    Plan plan;
    plan.max_in_use = 1 + counter++ % 10;
    return plan;
  }
};

POOL_LAB_STRATEGY(StaticState,
                  "Works, but counts in a static variable, so two instances disturb each other.");
