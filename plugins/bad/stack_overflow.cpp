// Calls itself without end.
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct StackOverflow {
  static unsigned deeper(unsigned n) {
    volatile char ballast[512] = {};
    ballast[n % 512] = 1;
    return deeper(n + 1) + static_cast<unsigned>(ballast[(n + 1) % 512]);
  }
  Plan look(const Observation &seen) {
    return Plan{deeper(static_cast<unsigned>(seen.sample_count))};
  }
};

POOL_LAB_STRATEGY(StackOverflow, "Calls itself without end.");
