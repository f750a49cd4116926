// Closes what belongs to the host.
#include <unistd.h>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct ClosesStandardOutput {
  Plan look(const Observation &seen) {
    if (seen.window == 0)
      ::close(1);
    return {};
  }
};

POOL_LAB_STRATEGY(ClosesStandardOutput, "Closes what belongs to the host.");
