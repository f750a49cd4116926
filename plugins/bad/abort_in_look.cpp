// Calls abort().
#include <cstdlib>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct AbortInLook {
  Plan look(const Observation &seen) {
    volatile bool wrong = seen.asked > 0;
    if (wrong)
      std::abort();
    return {};
  }
};

POOL_LAB_STRATEGY(AbortInLook, "Calls abort().");
