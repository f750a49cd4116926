// Gives the same memory back twice.
#include <cstdlib>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct DoubleFree {
  Plan look(const Observation &) {
    void *volatile block = std::malloc(24);
    void *volatile again = block;
    std::free(block);
    std::free(again);
    return {};
  }
};

POOL_LAB_STRATEGY(DoubleFree, "Gives the same memory back twice.");
