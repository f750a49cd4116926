// How a test waits for what another thread or program does: for a condition, with an end.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace lab::host {

// True as soon as `condition` holds; false when it did not `within` that time.
inline bool comes_true(const std::function<bool()> &condition,
                       std::chrono::milliseconds within = std::chrono::seconds(15)) {
  const auto until = std::chrono::steady_clock::now() + within;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5)); // between two looks
  }
  return true;
}

} // namespace lab::host
