// Starts a thread and forgets it.
#include <chrono>
#include <thread>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct ThreadLeftRunning {
  Plan look(const Observation &seen) {
    if (seen.window == 0)
      std::thread([] { std::this_thread::sleep_for(std::chrono::hours(1)); }).detach();
    return {};
  }
};

POOL_LAB_STRATEGY(ThreadLeftRunning, "Starts a thread and forgets it.");
