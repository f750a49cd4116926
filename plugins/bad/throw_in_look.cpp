// Throws where the SDK catches it: an ordinary failure with a text.
#include <stdexcept>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct ThrowInLook {
  Plan look(const Observation &seen) {
    if (seen.waiting.now > 100)
      throw std::runtime_error("no idea what to do with so many");
    return {};
  }
};

POOL_LAB_STRATEGY(ThrowInLook, "Throws where the SDK catches it: an ordinary failure with a text.");
