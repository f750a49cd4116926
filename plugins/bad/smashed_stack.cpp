// Writes over the stack of those who called it, then through a null pointer: the addresses to
// which they would go on lead nowhere.
#include <cstdint>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct SmashedStack {
  int looks = 0;
  [[gnu::noinline]] static void smash(unsigned words) {
    volatile std::uintptr_t own[2] = {};
    volatile std::uintptr_t *up = own;
    for (unsigned i = 0; i < words; ++i)
      up[i] = 0x10001102;
    volatile int *volatile nowhere = nullptr;
    *nowhere = 1;
  }
  Plan look(const Observation &) {
    if (++looks == 17)
      smash(64);
    Plan plan;
    plan.next_look = 5_ms;
    return plan;
  }
};

POOL_LAB_STRATEGY(SmashedStack, "Writes over the stack of those who called it.");
