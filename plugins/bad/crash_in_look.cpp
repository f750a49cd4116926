// Writes through a null pointer at its 17th look.
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct CrashInLook {
  int looks = 0;
  Plan look(const Observation &seen) {
    volatile int *volatile nowhere = nullptr;
    if (++looks == 17)
      *nowhere = static_cast<int>(seen.asked);
    Plan plan;
    plan.next_look = 5_ms;
    return plan;
  }
};

POOL_LAB_STRATEGY(CrashInLook, "Writes through a null pointer at its 17th look.");
