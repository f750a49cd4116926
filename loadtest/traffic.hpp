// The event loop that sends the requests of a run and times their answers.
//
// One thread does everything, without locks: it shares the processors with the
// host and PostgreSQL, so it must cost little. A connection is written to
// directly and then waited on; an answer is parsed where it arrives.
// traffic.cpp is the only file that includes Boost.Beast, since that costs
// seconds to compile. [one thread]
#pragma once

#include "loadtest/generator.hpp"
#include "loadtest/recorded.hpp"
#include "loadtest/schedule.hpp"

#include <chrono>
#include <memory>
#include <stop_token>

namespace lab::load {

class Traffic {
public:
  using Clock = std::chrono::steady_clock;

  // All three must outlive it. Target's host is not looked at: it is 127.0.0.1.
  Traffic(const Profile &profile, const Schedule &schedule, const Target &target);
  ~Traffic();

  // Asks the (first) host which strategy is in use; null when no answer comes
  // within a second.
  nlohmann::json ask_strategy();

  // Blocks until the last answer, and fills in what this loop sees: requests,
  // codes, samples, its own processor time.
  void run(Clock::time_point start, const OnProgress &progress, const std::stop_token &stop,
           Recorded &into);

private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

} // namespace lab::load
