// Writes past the end of what it has.
#include <cstdlib>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct HeapOverflow {
  Plan look(const Observation &) {
    volatile std::size_t room = 24;
    auto *const volatile table = static_cast<volatile char *>(std::malloc(room));
    for (std::size_t i = 0; i < room + 32; ++i) // one line too many
      table[i] = 'x';
    std::free(const_cast<char *>(table));
    return {};
  }
};

POOL_LAB_STRATEGY(HeapOverflow, "Writes past the end of what it has.");
