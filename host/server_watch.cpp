#include "host/server_watch.hpp"

namespace lab::host {

ServerWatch::ServerWatch(const Clock &clock, const std::string &conninfo,
                         const std::string &our_application)
    : clock_(clock), monitor_(conninfo, our_application),
      thread_([this](std::stop_token stop) { run(stop); }) {}

ServerWatch::~ServerWatch() {
  thread_.request_stop();
  thread_.join();
}

std::optional<ServerWatch::Reading> ServerWatch::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

std::optional<ServerWatch::Reading> ServerWatch::fresh() const {
  const auto reading = last();
  return reading && clock_.now() - reading->at <= fresh_for ? reading : std::nullopt;
}

std::string ServerWatch::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

bool ServerWatch::silent() const {
  const std::lock_guard lock(mutex_);
  return silent_;
}

void ServerWatch::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    const auto numbers = monitor_.read();
    const pool::Time now = clock_.now();
    const auto cores = numbers ? processor_.cores(numbers->backends, now) : std::nullopt;
    std::unique_lock lock(mutex_);
    if (numbers)
      last_ = Reading{*numbers, now, cores};
    silent_ = monitor_.silent() && !numbers;
    problem_ = numbers ? "" : monitor_.last_error();
    (void)wake_.wait_for(lock, stop, std::chrono::milliseconds(500), [] { return false; });
  }
}

} // namespace lab::host
