// Where the log goes: each line straight to a file descriptor.
//
// Not by way of stderr's FILE: a strategy that is parked inside printf holds its lock for ever,
// and then each thread that logs would wait for it, the watchdog among them.
#pragma once

#include <mutex>

#include <spdlog/sinks/base_sink.h>

namespace lab::host {

class LineSink : public spdlog::sinks::base_sink<std::mutex> { // [any thread]
public:
  explicit LineSink(int fd) : fd_(fd) {}

private:
  void sink_it_(const spdlog::details::log_msg &message) override;
  void flush_() override {} // nothing is held back

  const int fd_;
};

} // namespace lab::host
