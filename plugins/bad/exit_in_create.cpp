// Ends the process while it is created.
#include <unistd.h>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct ExitInCreate {
  ExitInCreate() { ::_exit(0); }
  Plan look(const Observation &seen) {
    (void)seen;
    return {};
  }
};

POOL_LAB_STRATEGY(ExitInCreate, "Ends the process while it is created.");
