// Crashes while it is closed.
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

static struct Closing {
  volatile int *volatile nowhere = nullptr;
  ~Closing() { *nowhere = 1; }
} closing;

struct CrashInStaticDestructor {
  Plan look(const Observation &seen) {
    (void)seen;
    return {};
  }
};

POOL_LAB_STRATEGY(CrashInStaticDestructor, "Crashes while it is closed.");
