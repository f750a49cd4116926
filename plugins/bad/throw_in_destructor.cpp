// Throws from a destructor, which ends in std::terminate.
#include <stdexcept>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct ThrowInDestructor {
  ~ThrowInDestructor() noexcept(false) { throw std::runtime_error("can't let go"); }
  Plan look(const Observation &seen) {
    (void)seen;
    return {};
  }
};

POOL_LAB_STRATEGY(ThrowInDestructor, "Throws from a destructor, which ends in std::terminate.");
