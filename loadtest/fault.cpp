#include "loadtest/fault.hpp"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>

namespace lab::load {

void place_in_the_middle(Fault &fault, const Profile &profile) {
  fault.length = std::min<std::chrono::milliseconds>(profile.measure / 3, longest_fault);
  fault.from = profile.warm_up + (profile.measure - fault.length) / 2;
}

FaultUnderWay::FaultUnderWay(const Fault &fault, Fault::Clock::time_point start,
                             const std::stop_token &stop)
    : fault_(fault), start_(start), thread_([this](const std::stop_token &ended) { live(ended); }),
      on_stop_(stop, [this] { thread_.request_stop(); }) {}

std::optional<FaultTime> FaultUnderWay::finish() {
  thread_.request_stop();
  if (thread_.joinable())
    thread_.join();
  return time_;
}

void FaultUnderWay::live(const std::stop_token &stop) {
  const Fault::Clock::time_point from = start_ + fault_.from;
  std::mutex mutex;
  std::condition_variable_any wake;
  {
    std::unique_lock lock(mutex);
    wake.wait_until(lock, stop, from, [] { return false; });
  }
  if (stop.stop_requested())
    return;
  const auto since_start = [this] {
    return std::chrono::nanoseconds(Fault::Clock::now() - start_).count();
  };
  FaultTime time{fault_.name, since_start(), 0};
  try {
    fault_.work(from + fault_.length, stop);
    time.to = since_start();
    time_ = time;
  } catch (const std::exception &e) {
    problem_ = e.what();
  }
}

} // namespace lab::load
