// Ends the process, and calls that success.
#include <cstdlib>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct ExitInLook {
  Plan look(const Observation &seen) {
    (void)seen;
    std::exit(0);
  }
};

POOL_LAB_STRATEGY(ExitInLook, "Ends the process, and calls that success.");
