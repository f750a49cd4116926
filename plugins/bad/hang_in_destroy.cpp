// Comes, and never goes.
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct HangInDestroy {
  ~HangInDestroy() {
    volatile bool busy = true;
    while (busy)
      continue;
  }
  Plan look(const Observation &) { return {}; }
};

POOL_LAB_STRATEGY(HangInDestroy, "Comes, and never goes.");
