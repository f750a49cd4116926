// Good until it is told to be bad: what a verifier can't find, for tests of what
// the host does then. The verifier tries a parameter's ends and default, and the
// faults lie between.
#include <cstdlib>
#include <stdexcept>

#include <unistd.h>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct FaultOnCommand {
  int fault = 0;
  volatile unsigned turns = 0;

  void params(Params &p) {
    p.add("fault", fault, 0, 100,
          "1 null pointer, 2 endless loop, 3 abort, 4 throw, 5 stack overflow, 6 trap, 7 exit, "
          "8 busy for 20 ms, 9 sleep for an hour, 10 damage the heap, 11 impossible plan");
  }

  unsigned deeper(unsigned n) {
    volatile char ballast[512] = {};
    ballast[n % 512] = 1;
    return deeper(n + 1) + static_cast<unsigned>(ballast[(n + 1) % 512]);
  }

  void busy(pl_ns cpu) {
    // Counts turns and not time: a strategy has no clock.
    for (pl_ns i = 0; i < cpu; ++i)
      turns = turns + 1;
  }

  Plan look(const Observation &) {
    Plan plan;
    plan.next_look = 5_ms;
    volatile int *volatile nowhere = nullptr;
    volatile bool for_ever = true;
    switch (fault) {
    case 1:
      *nowhere = 1;
      break;
    case 2:
      while (for_ever)
        turns = turns + 1;
      break;
    case 3:
      std::abort();
    case 4:
      throw std::runtime_error("told to throw");
    case 5:
      plan.max_in_use = deeper(1);
      break;
    case 6:
      __builtin_trap();
    case 7:
      ::_exit(0);
    case 8:
      busy(20'000'000);
      break;
    case 9:
      ::sleep(3600);
      break;
    case 10: {
      // Freed twice, where the compiler can't see that it is the same.
      void *volatile block = std::malloc(24);
      void *volatile again = block;
      std::free(block);
      std::free(again);
      break;
    }
    case 11:
      plan.max_in_use = 4'000'000'000u;
      break;
    default:
      break;
    }
    return plan;
  }
};

POOL_LAB_STRATEGY(FaultOnCommand, "fine until the parameter `fault` says which fault to make");
