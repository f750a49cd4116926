// The one clock: steady, counted from the program's start. Read by the live
// driver and the HTTP layer, and handed to everything below. [any thread]
#pragma once

#include <chrono>

#include "host/pool/time.hpp"

namespace lab::host {

class Clock {
public:
  pool::Time now() const {
    return pool::Time(
        std::chrono::duration_cast<pool::Duration>(std::chrono::steady_clock::now() - started_));
  }
  // The same moment on the clock that the standard library waits on.
  std::chrono::steady_clock::time_point steady(pool::Time time) const {
    return started_ + time.time_since_epoch();
  }

private:
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

} // namespace lab::host
