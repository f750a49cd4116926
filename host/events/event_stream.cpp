#include "host/events/event_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <stdexcept>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

namespace lab::host {
namespace {

using SteadyClock = std::chrono::steady_clock;

// How soon a viewer whose socket was full is tried again. Not when the socket says that it has
// room: one that says so and takes nothing would keep this thread busy.
constexpr std::chrono::milliseconds try_again{50};

// Taken from the log at once; a viewer that has just come gets all of it in a few goes.
constexpr std::size_t events_at_once = 100;

// Without a length: the stream ends when the connection does. A forwarding proxy
// is asked not to hold it back. After a lost connection the browser asks again.
constexpr std::string_view head = "HTTP/1.1 200 OK\r\n"
                                  "Content-Type: text/event-stream; charset=utf-8\r\n"
                                  "Cache-Control: no-cache\r\n"
                                  "X-Accel-Buffering: no\r\n"
                                  "X-Content-Type-Options: nosniff\r\n"
                                  "Connection: close\r\n\r\n"
                                  "retry: 1000\n\n";

} // namespace

struct EventStream::Viewer {
  Poco::Net::StreamSocket socket;
  std::uint64_t place = 0; // of the last event that is in `unsent`, or was sent
  std::string unsent{head};
  SteadyClock::time_point took = SteadyClock::now(); // when its socket last took something

  int descriptor() const { return socket.impl()->sockfd(); }

  void take_more(const EventLog &log) {
    for (const Event &event : log.after(place, events_at_once)) {
      fmt::format_to(std::back_inserter(unsent), "id: {}\nevent: {}\ndata: {}\n\n",
                     log.id_of(event.number), event.type, event.data);
      place = event.number;
    }
  }

  // Sends what the socket takes right now. False when the viewer is gone.
  bool send(SteadyClock::time_point now) {
    while (!unsent.empty()) {
      const ssize_t sent =
          ::send(descriptor(), unsent.data(), unsent.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0) {
        if (errno == EINTR)
          continue;
        return (errno == EAGAIN || errno == EWOULDBLOCK) && now - took < patience;
      }
      took = now;
      unsent.erase(0, static_cast<std::size_t>(sent));
    }
    return true;
  }

  // Viewers say nothing; a readable socket is mostly a closed one.
  bool still_there() const {
    char ignored[256];
    const ssize_t got = ::recv(descriptor(), ignored, sizeof ignored, MSG_DONTWAIT);
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR));
  }
};

EventStream::EventStream(EventLog &log, std::chrono::milliseconds heartbeat)
    : log_(log), heartbeat_(heartbeat), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_ < 0)
    throw std::runtime_error(fmt::format("no eventfd: {}", std::strerror(errno)));
  log_.on_append([this] { wake(); });
  thread_ = std::thread([this] { run(); });
}

EventStream::~EventStream() {
  log_.on_append({});
  stop();
  thread_.join();
  ::close(wake_);
}

bool EventStream::add(const Poco::Net::StreamSocket &viewer, std::uint64_t place) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || count_ >= most_viewers)
      return false;
    ++count_;
    new_.push_back({viewer, place});
  }
  wake();
  return true;
}

std::size_t EventStream::viewers() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

void EventStream::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake();
}

void EventStream::wake() noexcept {
  const std::uint64_t one = 1;
  (void)!::write(wake_, &one, sizeof one);
}

void EventStream::run() {
  std::vector<Viewer> viewers;
  std::vector<pollfd> watched;
  auto next_beat = SteadyClock::now() + heartbeat_;
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      std::move(new_.begin(), new_.end(), std::back_inserter(viewers));
      new_.clear();
      count_ = viewers.size();
      if (stopped_)
        return; // the sockets close with the viewers
    }
    const auto now = SteadyClock::now();
    const bool beat = now >= next_beat;
    if (beat)
      next_beat = now + heartbeat_;
    std::erase_if(viewers, [&](Viewer &viewer) {
      bool beat_due = beat;
      do {
        if (viewer.unsent.empty())
          viewer.take_more(log_);
        if (viewer.unsent.empty() && std::exchange(beat_due, false))
          viewer.unsent = ": still here\n\n";
        if (!viewer.send(now))
          return true;
      } while (viewer.unsent.empty() && !log_.after(viewer.place, 1).empty());
      return false;
    });

    watched.assign(1, {wake_, POLLIN, 0});
    auto left = std::chrono::ceil<std::chrono::milliseconds>(next_beat - now);
    for (const Viewer &viewer : viewers) {
      watched.push_back({viewer.descriptor(), POLLIN, 0});
      if (!viewer.unsent.empty())
        left = std::min(left, try_again);
    }
    if (::poll(watched.data(), watched.size(), static_cast<int>(left.count())) <= 0)
      continue;
    std::uint64_t times = 0;
    (void)!::read(wake_, &times, sizeof times);
    std::size_t index = 0;
    std::erase_if(viewers, [&](const Viewer &viewer) {
      const short what = watched[++index].revents;
      return (what & (POLLERR | POLLNVAL)) != 0 ||
             ((what & (POLLIN | POLLHUP)) != 0 && !viewer.still_there());
    });
  }
}

} // namespace lab::host
