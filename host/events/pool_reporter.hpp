// Says what the pool does, for those who watch: as JSON when asked, and four
// times a second as a `gauges` event; `fault` when the database stops or begins
// to answer. One thread of its own. [any thread]
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

#include "host/clock.hpp"
#include "host/events/diagnosis.hpp"
#include "host/events/event_log.hpp"
#include "host/events/time_tally.hpp"
#include "host/live_pool.hpp"
#include "host/metrics.hpp"
#include "host/server_watch.hpp"
#include "host/strategy_service.hpp"

namespace lab::host {

// A `swap` or `strategy` event, as strategies announce theirs.
void append_strategy_event(EventLog &log, const StrategyEvent &event);

// A `leak` event: a connection is suspected, or `count` were reclaimed.
void append_leak(EventLog &log, const SuspectedLeak &leak, pool::Time now);
void append_reclaim(EventLog &log, std::size_t count);

class PoolReporter {
public:
  static constexpr std::chrono::milliseconds beat{250};
  static constexpr std::size_t beats_a_second = 4; // percentiles are of the last second

  PoolReporter(const Clock &clock, const LivePool &pool, const StrategyService &strategies,
               const ServerWatch &server, const Metrics &metrics, EventLog &log);
  ~PoolReporter();
  PoolReporter(const PoolReporter &) = delete;
  PoolReporter &operator=(const PoolReporter &) = delete;

  // As GET /api/v1/pool answers it. Times are in milliseconds. `counts` and
  // `requests` grow since the host's start; `wait_ms` and `hold_ms` are of the
  // requests that ended in the last second.
  nlohmann::json now() const;

private:
  struct Tallies {
    TimeTally::Counts waits;
    TimeTally::Counts holds;
  };
  struct Percentiles {
    std::optional<pool::Duration> p50, p99;
  };
  void run(std::stop_token stop);
  void measure();
  void note_database();
  void diagnose();

  const Clock &clock_;
  const LivePool &pool_;
  const StrategyService &strategies_;
  const ServerWatch &server_;
  const Metrics &metrics_;
  EventLog &log_;

  std::deque<Tallies> lately_;   // [own thread] a reading for each beat of the last second
  bool database_answers_ = true; // [own thread]
  Diagnostician diagnostician_;  // [own thread]

  mutable std::mutex mutex_; // guards the next three
  Diagnosis diagnosis_;
  Percentiles waits_;
  Percentiles holds_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

} // namespace lab::host
