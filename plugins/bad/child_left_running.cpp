// Starts a process and forgets it.
#include <unistd.h>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct ChildLeftRunning {
  Plan look(const Observation &seen) {
    if (seen.window == 0 && ::fork() == 0) {
      ::sleep(3600);
      ::_exit(0);
    }
    return {};
  }
};

POOL_LAB_STRATEGY(ChildLeftRunning, "Starts a process and forgets it.");
