// Computes a size below zero, which is a huge one in an unsigned field.
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct HugeSize {
  Plan look(const Observation &seen) {
    volatile int room = -1;
    Plan plan;
    plan.max_in_use = static_cast<unsigned>(room - static_cast<int>(seen.in_use.now));
    return plan;
  }
};

POOL_LAB_STRATEGY(HugeSize,
                  "Computes a size below zero, which is a huge one in an unsigned field.");
