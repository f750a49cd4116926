// Decides by a clock and by dice of its own.
#include <cstdlib>
#include <ctime>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct ReadsAClock {
  Plan look(const Observation &) {
    Plan plan;
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    plan.max_in_use = 5 + static_cast<unsigned>(now.tv_nsec + std::rand()) % 8;
    return plan;
  }
};

POOL_LAB_STRATEGY(ReadsAClock, "Decides by a clock and by dice of its own.");
