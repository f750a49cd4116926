// A static object has a thread, which runs as soon as the library is loaded.
#include <chrono>
#include <thread>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

static std::thread background([] {
  for (;;)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
});

struct ThreadOfAStatic {
  ~ThreadOfAStatic() {
    if (background.joinable())
      background.detach(); // or the process would end with it
  }
  Plan look(const Observation &) { return {}; }
};

POOL_LAB_STRATEGY(ThreadOfAStatic, "A static object of it has a thread.");
