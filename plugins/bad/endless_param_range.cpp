// Has a parameter without an upper end.
#include <cmath>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct EndlessParamRange {
  double factor = 1;
  void params(Params &p) { p.add("factor", factor, 0, INFINITY, "how much of everything"); }

  Plan look(const Observation &seen) {
    (void)seen;
    return {};
  }
};

POOL_LAB_STRATEGY(EndlessParamRange, "Has a parameter without an upper end.");
