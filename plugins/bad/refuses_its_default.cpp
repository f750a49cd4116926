// Refuses the setting that it says is its default.
#include <stdexcept>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct RefusesItsDefault {
  int max = 10;
  bool begun = false;

  void params(Params &p) {
    p.add("max", max, 1, 100, "connections, at most");
    if (begun && max == 10)
      throw std::invalid_argument("10 is too many");
  }

  Plan look(const Observation &) {
    begun = true;
    Plan plan;
    plan.max_in_use = static_cast<unsigned>(max);
    return plan;
  }
};

POOL_LAB_STRATEGY(RefusesItsDefault, "Refuses the setting that it says is its default.");
