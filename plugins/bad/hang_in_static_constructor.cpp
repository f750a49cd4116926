// Never comes back from being loaded.
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

static int turn_for_ever() {
  volatile int turns = 0;
  volatile bool for_ever = true;
  while (for_ever)
    turns = turns + 1;
  return turns;
}
static const int never = turn_for_ever();

struct HangInStaticConstructor {
  Plan look(const Observation &seen) {
    (void)seen;
    return {};
  }
};

POOL_LAB_STRATEGY(HangInStaticConstructor, "Never comes back from being loaded.");
