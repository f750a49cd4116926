// Writes into what it has given back.
#include <cstdlib>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct UseAfterFree {
  Plan look(const Observation &) {
    auto *const volatile table = static_cast<volatile long *>(std::malloc(64));
    std::free(const_cast<long *>(table));
    // The allocator keeps its own list here now, scrambled with the address. To turn one bit over
    // damages it at every address; a value of our own would look sound at one in sixteen.
    table[0] = table[0] ^ 1;
    void *volatile one = std::malloc(64);
    void *volatile two = std::malloc(64);
    std::free(one);
    std::free(two);
    return {};
  }
};

POOL_LAB_STRATEGY(UseAfterFree, "Writes into what it has given back.");
