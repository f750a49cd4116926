// Calls through a pointer that leads nowhere, at its 17th look: there is no code where it stands
// then, so nobody who called can be found from there.
#include <cstdint>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct WildCall {
  int looks = 0;
  Plan look(const Observation &) {
    volatile std::uintptr_t nowhere = 0x10001102;
    if (++looks == 17)
      reinterpret_cast<void (*)()>(nowhere)();
    Plan plan;
    plan.next_look = 5_ms;
    return plan;
  }
};

POOL_LAB_STRATEGY(WildCall, "Calls through a pointer that leads nowhere.");
