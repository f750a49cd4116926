// Divides nothing by nothing and makes a time of it.
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct NanInPlan {
  Plan look(const Observation &seen) {
    const volatile double ended = static_cast<double>(seen.served) * 0;
    const volatile double mean = ended / ended;
    Plan plan;
    plan.wait_timeout = Duration::from_seconds(mean);
    return plan;
  }
};

POOL_LAB_STRATEGY(NanInPlan, "Divides nothing by nothing and makes a time of it.");
