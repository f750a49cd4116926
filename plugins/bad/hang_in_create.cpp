// Waits in its constructor for what never comes.
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct HangInCreate {
  HangInCreate() {
    volatile bool ready = false;
    while (!ready)
      continue;
  }
  Plan look(const Observation &) { return {}; }
};

POOL_LAB_STRATEGY(HangInCreate, "Waits in its constructor for what never comes.");
