// Opens a file at each look and never closes it.
#include <fcntl.h>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct LeavesFilesOpen {
  Plan look(const Observation &) {
    (void)::open("/dev/null", O_RDONLY | O_CLOEXEC);
    return {};
  }
};

POOL_LAB_STRATEGY(LeavesFilesOpen, "Opens a file at each look and never closes it.");
