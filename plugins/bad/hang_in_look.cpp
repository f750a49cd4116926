// Never comes back from its first look.
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct HangInLook {
  volatile unsigned turns = 0;
  Plan look(const Observation &seen) {
    volatile bool for_ever = true;
    while (for_ever)
      turns = turns + 1;
    return Plan{static_cast<unsigned>(seen.asked)};
  }
};

POOL_LAB_STRATEGY(HangInLook, "Never comes back from its first look.");
