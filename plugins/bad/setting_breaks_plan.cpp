// Has a parameter whose highest value makes an impossible plan.
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct SettingBreaksPlan {
  int max = 10;
  void params(Params &p) { p.add("max", max, 1, 5000, "connections, at most"); }

  Plan look(const Observation &seen) {
    (void)seen;
    Plan plan;
    plan.max_in_use = static_cast<unsigned>(max);
    return plan;
  }
};

POOL_LAB_STRATEGY(SettingBreaksPlan,
                  "Has a parameter whose highest value makes an impossible plan.");
