// What the database server says of itself, read each half second over the one
// connection that stands outside the pool. [any thread]
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "db/monitor.hpp"
#include "host/backends_processor.hpp"
#include "host/clock.hpp"

namespace lab::host {

class ServerWatch {
public:
  // `conninfo`: on the lab's own server a superuser's, so that it enters at the ceiling.
  // `our_application`: the name of the pool's own connections; all others are others,
  // those of a second host too.
  ServerWatch(const Clock &clock, const std::string &conninfo, const std::string &our_application);
  ~ServerWatch();

  struct Reading {
    db::ServerNumbers numbers;
    pool::Time at;
    std::optional<double> cores = {}; // that its sessions use; nothing: it is elsewhere
  };
  // The last good one; nothing until the first.
  std::optional<Reading> last() const;
  // The same while it tells of now: nothing once the server has not answered for this long.
  static constexpr std::chrono::seconds fresh_for{3};
  std::optional<Reading> fresh() const;
  // Why the latest try failed; "" when it went well.
  std::string problem() const;
  // Whether that was silence: the server is there, and answered nothing in time.
  bool silent() const;

private:
  void run(std::stop_token stop);

  const Clock &clock_;
  db::Monitor monitor_;         // [the watch's own thread]
  BackendsProcessor processor_; // [the watch's own thread]
  mutable std::mutex mutex_;
  std::optional<Reading> last_;
  std::string problem_;
  bool silent_ = false;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

} // namespace lab::host
