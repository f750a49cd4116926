// One source, built twice with another CONSTANT: a learner's edit and rebuild.
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

// In an inline function, where an old build would live on if symbols were shared.
inline unsigned &constant() {
  static unsigned value = CONSTANT;
  return value;
}

struct Constant {
  Plan look(const Observation &) {
    Plan plan;
    plan.max_in_use = constant();
    return plan;
  }
};

POOL_LAB_STRATEGY(Constant, "always the same size");
