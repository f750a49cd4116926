// Sends the event log to those who watch, as server-sent events: one thread for
// all of them. A viewer's socket is taken from the HTTP server, whose thread is
// then free for requests. Nothing here waits for a viewer: what its socket does
// not take stays in the log (event_log.hpp). [any thread]
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <Poco/Net/StreamSocket.h>

#include "host/events/event_log.hpp"

namespace lab::host {

class EventStream {
public:
  static constexpr std::size_t most_viewers = 256;
  // A viewer that takes nothing for this long is gone, or as good as.
  static constexpr std::chrono::seconds patience{30};

  // Each viewer gets a line each `heartbeat`: else nobody would know that one is gone.
  explicit EventStream(EventLog &log,
                       std::chrono::milliseconds heartbeat = std::chrono::seconds(10));
  ~EventStream();
  EventStream(const EventStream &) = delete;
  EventStream &operator=(const EventStream &) = delete;

  // Sends the events after `place`, and from now on each as it comes. False when
  // there are too many viewers already, or the stream has stopped.
  bool add(const Poco::Net::StreamSocket &viewer, std::uint64_t place);

  std::size_t viewers() const;

  // Closes all viewers' sockets; no more are taken.
  void stop();

private:
  struct Viewer;
  void run();
  void wake() noexcept;

  EventLog &log_;
  const std::chrono::milliseconds heartbeat_;
  const int wake_;           // an eventfd
  mutable std::mutex mutex_; // guards the next three
  std::vector<Viewer> new_;
  std::size_t count_ = 0; // of all viewers, new ones too
  bool stopped_ = false;
  std::thread thread_;
};

} // namespace lab::host
