// Asks for a wait that ends before it begins.
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct NegativeWait {
  Plan look(const Observation &seen) {
    Plan plan;
    plan.wait_timeout = 100_ms - Duration{seen.oldest_wait};
    return plan;
  }
};

POOL_LAB_STRATEGY(NegativeWait, "Asks for a wait that ends before it begins.");
