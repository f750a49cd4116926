// Takes some memory at each look and forgets where it is.
#include <cstdlib>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct ForgetsMemory {
  Plan look(const Observation &) {
    void *volatile forgotten = std::malloc(32 * 1024);
    *static_cast<volatile char *>(forgotten) = 1;
    return {};
  }
};

POOL_LAB_STRATEGY(ForgetsMemory, "Takes some memory at each look and forgets where it is.");
