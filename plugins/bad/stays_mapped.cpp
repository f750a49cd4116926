// Works, but a symbol that the whole process shares keeps it mapped.
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

// GNU_UNIQUE unless the right flags and the version script are given; see CMakeLists.txt.
template <int> struct __attribute__((visibility("default"))) Shared {
  inline static unsigned value = 10;
};

struct StaysMapped {
  Plan look(const Observation &seen) {
    (void)seen;
    Plan plan;
    plan.max_in_use = Shared<0>::value;
    return plan;
  }
};

POOL_LAB_STRATEGY(StaysMapped,
                  "Works, but a symbol that the whole process shares keeps it mapped.");
