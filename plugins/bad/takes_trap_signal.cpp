// Ignores traps, which are the host's to contain.
#include <csignal>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct TakesTrapSignal {
  TakesTrapSignal() { ::signal(SIGTRAP, SIG_IGN); }
  Plan look(const Observation &) { return {}; }
};

POOL_LAB_STRATEGY(TakesTrapSignal, "Ignores traps, which are the host's to contain.");
