// Calls a function that nobody defines.
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

extern "C" unsigned size_from_nowhere(uint64_t asked);

struct UndefinedSymbol {
  Plan look(const Observation &seen) { return Plan{size_from_nowhere(seen.asked)}; }
};

POOL_LAB_STRATEGY(UndefinedSymbol, "Calls a function that nobody defines.");
