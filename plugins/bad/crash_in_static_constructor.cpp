// Crashes while it is loaded.
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

static volatile int *volatile nowhere = nullptr;
static const int crashed = *nowhere;

struct CrashInStaticConstructor {
  Plan look(const Observation &seen) {
    (void)seen;
    return {};
  }
};

POOL_LAB_STRATEGY(CrashInStaticConstructor, "Crashes while it is loaded.");
