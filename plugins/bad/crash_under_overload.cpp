// Divides by zero, but only when requests time out.
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct CrashUnderOverload {
  Plan look(const Observation &seen) {
    volatile int divisor = seen.timed_out > 0 ? 0 : 1;
    Plan plan;
    plan.max_in_use = static_cast<unsigned>(10 / divisor);
    return plan;
  }
};

POOL_LAB_STRATEGY(CrashUnderOverload, "Divides by zero, but only when requests time out.");
