// Asks for more memory than there is, and uses it.
#include <cstdlib>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct HugeAllocation {
  Plan look(const Observation &) {
    volatile std::size_t size = std::size_t{1} << 44; // 16 TB
    auto *const volatile table = static_cast<volatile char *>(std::malloc(size));
    table[size / 2] = 1; // nobody looked whether there was room
    return {};
  }
};

POOL_LAB_STRATEGY(HugeAllocation, "Asks for more memory than there is.");
