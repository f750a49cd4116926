// A fault: something that is done on purpose to what is loaded, in the middle of
// a run, to see how the strategy takes it. What it is and how it is undone is the
// caller's; here is only when.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "loadtest/profile.hpp"
#include "loadtest/recorded.hpp"

namespace lab::load {

struct Fault {
  using Clock = std::chrono::steady_clock;

  std::string name;                 // "freeze"
  std::chrono::milliseconds from{}; // from the start of the run, warm-up included
  std::chrono::milliseconds length{};

  // Does it, blocks until `until` or a stop, and has undone it when it returns or
  // throws. [a thread of its own]
  std::function<void(Clock::time_point until, std::stop_token stop)> work;
};

inline constexpr std::chrono::seconds longest_fault{60};

// The middle third of the profile's measured time, or 60 s in its middle.
void place_in_the_middle(Fault &fault, const Profile &profile);

// Waits for a fault's time and does it. Its end undoes it. [one thread]
class FaultUnderWay {
public:
  // `fault` must outlive it. Each of the two stops, `stop` and the end, undoes it at once.
  FaultUnderWay(const Fault &fault, Fault::Clock::time_point start, const std::stop_token &stop);

  // It is undone when this returns. Nothing: the run ended before it began.
  std::optional<FaultTime> finish();

  // After `finish`: why it could not be done, one line; "" when it could.
  const std::string &problem() const { return problem_; }

private:
  void live(const std::stop_token &stop);

  const Fault &fault_;
  const Fault::Clock::time_point start_;
  std::optional<FaultTime> time_; // of the thread; read after it ended
  std::string problem_;
  std::jthread thread_;
  std::stop_callback<std::function<void()>> on_stop_;
};

} // namespace lab::load
