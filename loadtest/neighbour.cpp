#include "loadtest/neighbour.hpp"

#include "db/connection.hpp"

#include <algorithm>
#include <condition_variable>

namespace lab::load {

Neighbour::Neighbour(std::string conninfo, std::chrono::milliseconds every,
                     Clock::time_point count_from, Clock::time_point count_to)
    : conninfo_(std::move(conninfo)), every_(every), count_from_(count_from), count_to_(count_to),
      thread_([this](std::stop_token stop) { live(std::move(stop)); }) {}

NeighbourCount Neighbour::stop() {
  thread_.request_stop();
  if (thread_.joinable())
    thread_.join();
  return count_;
}

void Neighbour::live(std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  Clock::time_point next = Clock::now();
  while (!stop.stop_requested()) {
    const Clock::time_point begun = Clock::now();
    bool refused = false;
    bool failed = false;
    try {
      // Opened and closed again: what it would do with it is its own affair.
      db::connect(conninfo_, connect_limit);
    } catch (const db::ConnectRefused &error) {
      refused = error.error.kind == db::ConnectFailure::too_many_connections;
      failed = !refused;
    }
    if (begun >= count_from_ && begun < count_to_) {
      ++count_.tried;
      count_.refused += refused ? 1 : 0;
      count_.failed += failed ? 1 : 0;
    }
    // A slow try is not made up for by a burst of others.
    next = std::max(next + every_, Clock::now());
    std::unique_lock lock(mutex);
    wake.wait_until(lock, stop, next, [] { return false; });
  }
}

} // namespace lab::load
