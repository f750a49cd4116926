#include "loadtest/disturbance.hpp"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <utility>

namespace lab::load {

Disturbance in_the_middle(const Profile &profile, std::string name,
                          std::function<std::shared_ptr<void>()> begin) {
  const auto third = profile.measure / 3;
  return {std::move(name), profile.warm_up + third, third, std::move(begin)};
}

Disturber::Disturber(Disturbance disturbance, Clock::time_point start)
    : disturbance_(std::move(disturbance)), start_(start),
      thread_([this](const std::stop_token &stop) { live(stop); }) {}

DisturbanceTimes Disturber::stop() {
  thread_.request_stop();
  thread_.join();
  if (failed_)
    std::rethrow_exception(failed_);
  return times_;
}

void Disturber::live(const std::stop_token &stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  const auto wait_until = [&](std::chrono::milliseconds at) {
    wake.wait_until(lock, stop, start_ + at, [] { return false; });
    return !stop.stop_requested();
  };
  const auto now = [this] { return std::chrono::nanoseconds(Clock::now() - start_).count(); };
  times_.name = disturbance_.name;
  if (!wait_until(disturbance_.from))
    return;
  try {
    const auto under_way = disturbance_.begin();
    times_.from = now();
    wait_until(disturbance_.from + disturbance_.length);
  } catch (...) {
    failed_ = std::current_exception();
    return;
  }
  times_.to = now();
}

} // namespace lab::load
