// The one clock: steady, counted from the program's start. Read by the live
// driver and the HTTP layer, and handed to everything below. [any thread]
#pragma once

#include <chrono>
#include <cstdint>

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

  // Milliseconds since 1970, for people: to be shown, never to be reckoned with.
  std::uint64_t wall_ms() const {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                          std::chrono::system_clock::now().time_since_epoch())
                                          .count());
  }

private:
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

} // namespace lab::host
