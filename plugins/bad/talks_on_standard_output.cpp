// Prints what it thinks, at each look.
#include <unistd.h>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct TalksOnStandardOutput {
  Plan look(const Observation &) {
    const char text[] = "still here, still looking\n";
    (void)!::write(1, text, sizeof text - 1);
    (void)!::write(2, text, sizeof text - 1);
    return {};
  }
};

POOL_LAB_STRATEGY(TalksOnStandardOutput, "Prints what it thinks, at each look.");
