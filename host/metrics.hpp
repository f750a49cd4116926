// What Prometheus scrapes: the original lab's two families, OpenTelemetry's
// db.client.connection.* in Prometheus form, and the lab's own (pool_lab_*).
// [any thread]
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "host/events/time_tally.hpp"
#include "host/live_pool.hpp"
#include "host/outcomes.hpp"
#include "host/server_watch.hpp"
#include "host/strategy_service.hpp"

namespace lab::host {

// The series of one method and route, by status. Found once, then one atomic load.
class RouteMetrics {
public:
  RouteMetrics(prometheus::Family<prometheus::Counter> &requests,
               prometheus::Family<prometheus::Histogram> &durations, std::string method,
               std::string route);
  void count(int status, pool::Duration took);

private:
  struct Series {
    prometheus::Counter &requests;
    prometheus::Histogram &duration;
  };
  Series &series(int status);

  prometheus::Family<prometheus::Counter> &requests_;
  prometheus::Family<prometheus::Histogram> &durations_;
  const std::string method_;
  const std::string route_;
  std::array<std::atomic<Series *>, 600> by_status_{};
  std::mutex mutex_;
  std::vector<std::unique_ptr<Series>> owned_;
};

class Metrics {
public:
  // `began`: when the host did, in milliseconds since 1970.
  explicit Metrics(std::uint64_t began);

  // For a router to keep; `route` is the pattern, never a URL with an id in it.
  std::unique_ptr<RouteMetrics> route(const std::string &method, const std::string &route);

  // Of a request that dealt with the pool.
  void waited(pool::Duration wait, bool served);
  void held(pool::Duration hold);
  void ended(std::string_view code) { outcomes_.count(code); }
  void connect_took(pool::Duration took);
  // "" for the plan that is compiled in; `at`: milliseconds since 1970.
  void swapped(const std::string &from, const std::string &to, std::uint64_t at);
  void busy() {
    host_busy_->Increment();
    outcomes_.count("host_busy");
  }

  // For the page: how requests ended; waits, of those that gave up too; holds.
  const Outcomes &outcomes() const { return outcomes_; }
  const TimeTally &waits() const { return waits_; }
  const TimeTally &holds() const { return holds_; }

  // The text of /metrics. Gauges and the pool's counts are read at this moment.
  std::string text(const LivePool &pool, const StrategyService &strategies,
                   const ServerWatch &server);

private:
  void set_counts(const LivePool::Snapshot &pool);
  prometheus::Gauge *show_last_swap();

  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter> *requests_;
  prometheus::Family<prometheus::Histogram> *durations_;
  prometheus::Histogram *wait_;
  prometheus::Histogram *given_up_;
  prometheus::Histogram *hold_;
  prometheus::Histogram *connect_;
  prometheus::Counter *host_busy_;
  prometheus::Family<prometheus::Gauge> *connections_;
  prometheus::Gauge *max_;
  prometheus::Gauge *pending_;
  prometheus::Gauge *oldest_wait_;
  prometheus::Gauge *wait_limit_;
  prometheus::Family<prometheus::Gauge> *server_;
  prometheus::Family<prometheus::Gauge> *strategy_;
  prometheus::Family<prometheus::Gauge> *strategy_state_;
  prometheus::Family<prometheus::Gauge> *swap_;
  prometheus::Gauge *tainted_;
  prometheus::Family<prometheus::Counter> *connects_failed_;
  prometheus::Family<prometheus::Counter> *events_;
  prometheus::Counter *timeouts_;
  Outcomes outcomes_;
  TimeTally waits_;
  TimeTally holds_;
  prometheus::Family<prometheus::Counter> *ended_;
  struct Swap {
    std::string from;
    std::string to;
    std::uint64_t at;
  };
  std::mutex swap_mutex_; // held for moments; taken under the service's lock
  std::optional<Swap> last_swap_;
  std::mutex text_mutex_; // one scrape at a time: counters are brought up to the pool's counts
};

} // namespace lab::host
