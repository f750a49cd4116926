// Starts a thread at each look, which goes on for a while.
#include <chrono>
#include <thread>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

struct ThreadAtEachLook {
  Plan look(const Observation &) {
    std::thread([] { std::this_thread::sleep_for(std::chrono::milliseconds(300)); }).detach();
    return {};
  }
};

POOL_LAB_STRATEGY(ThreadAtEachLook, "Starts a thread at each look.");
