// Ignores the signal by which the host stops what hangs.
#include <csignal>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct TakesParkSignal {
  TakesParkSignal() { ::signal(SIGRTMIN + 3, SIG_IGN); }
  Plan look(const Observation &) { return {}; }
};

POOL_LAB_STRATEGY(TakesParkSignal, "Ignores the signal by which the host stops what hangs.");
