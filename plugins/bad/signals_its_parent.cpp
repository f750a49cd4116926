// Ends the process that has started this one.
#include <csignal>

#include <unistd.h>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct SignalsItsParent {
  Plan look(const Observation &) {
    ::kill(::getppid(), SIGTERM);
    return {};
  }
};

POOL_LAB_STRATEGY(SignalsItsParent, "Sends a signal to its parent.");
