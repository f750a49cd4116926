// The agent's part in faults: what a killed command left in force is undone within a
// second or so. [a thread of its own]
#pragma once

#include <stop_token>
#include <thread>

#include "loadtest/lab/places.hpp"

namespace lab::cli {

class FaultWatch {
public:
  explicit FaultWatch(const Places &places)
      : thread_([places](const std::stop_token &stop) { watch(places, stop); }) {}

private:
  static void watch(const Places &places, const std::stop_token &stop);

  std::jthread thread_;
};

} // namespace lab::cli
