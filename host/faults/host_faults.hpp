// Faults of the host's own, made on purpose to see what follows: connects that are
// slow, and connections that are never given back. Each ends by itself. Begin and end
// are `fault` events. [any thread]
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include <nlohmann/json_fwd.hpp>

#include "host/clock.hpp"
#include "host/events/event_log.hpp"
#include "host/live_pool.hpp"

namespace lab::host {

class HostFaults {
public:
  static constexpr std::chrono::seconds longest{120}; // as long as any fault of the lab
  static constexpr int most_leaked = 1000;
  static constexpr std::chrono::milliseconds slowest{10000};

  HostFaults(const Clock &clock, LivePool &pool, EventLog &events);
  ~HostFaults(); // ends them

  // Both answer false when one of the kind is in force already.
  // Each new connection takes `by` longer, for `length`.
  bool slow_connects(std::chrono::milliseconds by, std::chrono::milliseconds length);
  // `count` requests take a connection, as soon as the pool gives them one, and keep it to
  // the end of `length`.
  bool leak(int count, std::chrono::milliseconds length);

  // Ends it and undoes it; does nothing when it is not in force. Takes at most a second.
  void clear_slow_connects();
  void clear_leak();

  // {"slow_connects": {"ms", "ends_in_ms"}, "leak": {"count", "held", "ends_in_ms"}}; those
  // that are in force.
  nlohmann::json in_force() const;

private:
  struct Fault;
  using Work = std::function<void(Fault &, const std::stop_token &)>;
  bool begin(std::unique_ptr<Fault> &place, std::unique_ptr<Fault> fault, Work work);
  void clear(std::unique_ptr<Fault> &place);
  void slow_down(Fault &fault, const std::stop_token &stop);
  void take_and_keep(Fault &fault, const std::stop_token &stop);

  const Clock &clock_;
  LivePool &pool_;
  EventLog &events_;

  std::mutex one_at_a_time_; // of those that begin or end one; never held by a fault's thread
  mutable std::mutex mutex_; // guards the pointers, for moments
  std::unique_ptr<Fault> slow_connects_;
  std::unique_ptr<Fault> leak_;
};

} // namespace lab::host
