// Invents a third order.
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct OrderOutOfRange {
  Plan look(const Observation &seen) {
    Plan plan;
    plan.order = static_cast<Order>(seen.plan.order + 7);
    return plan;
  }
};

POOL_LAB_STRATEGY(OrderOutOfRange, "Invents a third order.");
