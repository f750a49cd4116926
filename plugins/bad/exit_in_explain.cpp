// Ends the process where an explanation is asked for, past all handlers.
#include <unistd.h>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct ExitInExplain {
  Plan look(const Observation &) { return {}; }
  void explain(Line &) { ::_exit(3); }
};

POOL_LAB_STRATEGY(ExitInExplain, "Ends the process where an explanation is asked for.");
