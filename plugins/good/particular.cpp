// Refuses settings that don't go together, and has nothing to save until it was shown something.
#include <stdexcept>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct Particular {
  int low = 1, high = 10;

  void params(Params &p) {
    p.add("low", low, 0, 100, "connections kept ready");
    p.add("high", high, 1, 100, "connections, at most");
    if (low > high)
      throw std::invalid_argument("low is above high");
  }

  Plan look(const Observation &) {
    Plan plan;
    plan.min_idle = static_cast<unsigned>(low);
    plan.max_in_use = static_cast<unsigned>(high);
    return plan;
  }

  size_t save(void *, size_t) { return 0; }
  bool restore(const void *, size_t size) { return size == sizeof low; }
};

POOL_LAB_STRATEGY(Particular, "refuses settings that contradict each other, saves nothing");
