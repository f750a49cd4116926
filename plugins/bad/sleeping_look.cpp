// Sleeps for 20 ms at each look.
#include <unistd.h>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct SleepingLook {
  Plan look(const Observation &seen) {
    (void)seen;
    ::usleep(20000);
    return {};
  }
};

POOL_LAB_STRATEGY(SleepingLook, "Sleeps for 20 ms at each look.");
