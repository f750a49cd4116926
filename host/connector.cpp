#include "host/connector.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <system_error>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace lab::host {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr auto connect_limit = std::chrono::seconds(5);

// Of slowed connects: how soon one is noticed whose delay was ended.
constexpr auto look_again = std::chrono::milliseconds(20);

std::atomic<std::chrono::milliseconds> slowed_by{std::chrono::milliseconds(0)};

} // namespace

struct Connector::Underway {
  pool::ConnectionId id;
  db::Connecting connecting;
  SteadyClock::time_point begun;

  SteadyClock::time_point give_up() const { return begun + connect_limit; }
  SteadyClock::time_point counts_from() const { return begun + slowed_by.load(); }
  bool ready() const { return connecting.state() == db::Connecting::State::ready; }
};

Connector::Connector(std::string conninfo, Connected connected, Failed failed)
    : conninfo_(std::move(conninfo)), connected_(std::move(connected)), failed_(std::move(failed)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (wake_ < 0)
    throw std::system_error(errno, std::generic_category(), "eventfd");
  thread_ = std::thread([this] { run(); });
}

Connector::~Connector() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake();
  thread_.join();
  ::close(wake_);
}

void Connector::connect(pool::ConnectionId connection) {
  {
    const std::lock_guard lock(mutex_);
    to_connect_.push_back(connection);
  }
  wake();
}

void Connector::close(std::unique_ptr<db::Connection> connection) {
  {
    const std::lock_guard lock(mutex_);
    to_close_.push_back(std::move(connection));
  }
  wake();
}

void Connector::run() {
  std::vector<Underway> underway;
  std::vector<pollfd> polled;
  for (;;) {
    std::vector<pool::ConnectionId> starting;
    std::vector<std::unique_ptr<db::Connection>> closing;
    bool stopping = false;
    {
      const std::lock_guard lock(mutex_);
      starting.swap(to_connect_);
      closing.swap(to_close_);
      stopping = stop_;
    }
    closing.clear(); // says goodbye to the server: here, not on a request's thread
    if (stopping)
      return; // whatever comes now is closed as it is destroyed
    for (const pool::ConnectionId id : starting)
      underway.push_back({id, db::Connecting(conninfo_), SteadyClock::now()});
    step(underway);

    polled.assign(1, pollfd{wake_, POLLIN, 0});
    auto until = SteadyClock::time_point::max();
    for (const Underway &one : underway) {
      const bool writing = one.connecting.state() == db::Connecting::State::writing;
      polled.push_back({one.ready() ? -1 : one.connecting.socket(),
                        static_cast<short>(writing ? POLLOUT : POLLIN), 0});
      until = std::min(until, one.ready() ? SteadyClock::now() + look_again : one.give_up());
    }
    int limit = -1;
    if (until != SteadyClock::time_point::max()) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(until - SteadyClock::now());
      limit = static_cast<int>(std::max<std::int64_t>(0, left.count() + 1));
    }
    (void)::poll(polled.data(), polled.size(), limit);
    std::uint64_t woken = 0;
    (void)!::read(wake_, &woken, sizeof woken);

    // Only those whose socket is ready may go on; the others are not disturbed.
    for (std::size_t i = 0; i < underway.size(); ++i)
      if (polled[i + 1].revents != 0)
        (void)underway[i].connecting.advance();
  }
}

// Reports those that are done, and gives up those that are late.
void Connector::step(std::vector<Underway> &underway) {
  for (auto one = underway.begin(); one != underway.end();) {
    const auto state = one->connecting.state();
    if (one->ready() && SteadyClock::now() < one->counts_from()) {
      ++one;
      continue;
    }
    if (one->ready())
      connected_(one->id, one->connecting.take());
    else if (state == db::Connecting::State::failed)
      failed_(one->id, one->connecting.error());
    else if (SteadyClock::now() >= one->give_up())
      failed_(one->id,
              {db::ConnectFailure::no_answer, "the database did not answer within 5 seconds"});
    else {
      ++one;
      continue;
    }
    one = underway.erase(one);
  }
}

void Connector::slow_down(std::chrono::milliseconds by) {
  slowed_by = by;
}

void Connector::wake() {
  const std::uint64_t one = 1;
  (void)!::write(wake_, &one, sizeof one);
}

} // namespace lab::host
