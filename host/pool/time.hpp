// Time as the pool core sees it: moments on a clock that somebody else reads.
//
// The core never asks what time it is; every event brings its time along. So
// the same core runs under threads and under a simulated clock.
#pragma once

#include <chrono>

namespace lab::pool {

using Duration = std::chrono::nanoseconds;

// A clock without `now`: asking it for the time does not compile.
struct Timeline {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Timeline>;
  static constexpr bool is_steady = true;
};

// A moment, counted from the host's start.
using Time = Timeline::time_point;

} // namespace lab::pool
