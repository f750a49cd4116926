// Something that is done to the system in the middle of a run, on purpose, such as
// a frozen database: begun and undone at stated times of the run.
#pragma once

#include "loadtest/recorded.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace lab::load {

struct Disturbance {
  std::string name;                 // "freeze"
  std::chrono::milliseconds from{}; // from the start of the run
  std::chrono::milliseconds length{};
  std::function<std::shared_ptr<void>()> begin; // the end of what it answers undoes it; may throw
};

// The middle third of the measured time.
Disturbance in_the_middle(const Profile &profile, std::string name,
                          std::function<std::shared_ptr<void>()> begin);

class Disturber { // [one thread]
public:
  using Clock = std::chrono::steady_clock;

  Disturber(Disturbance disturbance, Clock::time_point start);

  // Undoes it, if that is still to be done, and ends. Throws what `begin` threw.
  DisturbanceTimes stop();

private:
  void live(const std::stop_token &stop);

  const Disturbance disturbance_;
  const Clock::time_point start_;
  DisturbanceTimes times_;    // of the thread; read after it ended
  std::exception_ptr failed_; // likewise
  std::jthread thread_;
};

} // namespace lab::load
