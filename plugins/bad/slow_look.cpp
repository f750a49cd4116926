// Works for 20 ms at each look.
#include <ctime>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct SlowLook {
  Plan look(const Observation &seen) {
    (void)seen;
    const std::clock_t end = std::clock() + CLOCKS_PER_SEC / 50;
    while (std::clock() < end)
      continue;
    return {};
  }
};

POOL_LAB_STRATEGY(SlowLook, "Works for 20 ms at each look.");
