// Never lets go: the host hangs while it closes the library.
#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct NeverLetsGo {
  ~NeverLetsGo() {
    volatile bool for_ever = true;
    while (for_ever)
      continue;
  }
};
static NeverLetsGo never_lets_go;

struct HangInStaticDestructor {
  Plan look(const Observation &) { return {}; }
};

POOL_LAB_STRATEGY(HangInStaticDestructor, "Hangs while its library is closed.");
