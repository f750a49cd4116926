#include "host/metrics.hpp"

#include <vector>

#include <prometheus/text_serializer.h>

namespace lab::host {
namespace {

double in_seconds(pool::Duration d) {
  return std::chrono::duration<double>(d).count();
}
double in_milliseconds(pool::Duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

// The original's 10..5000 ms, closer together where the strategies' wait limits lie.
const prometheus::Histogram::BucketBoundaries request_ms = {
    1, 2.5, 5, 10, 25, 50, 75, 100, 150, 200, 250, 300, 400, 500, 750, 1000, 2000, 5000};
const prometheus::Histogram::BucketBoundaries pool_seconds = {
    .0001, .0005, .001, .005, .01, .025, .05, .075, .1, .15, .2, .25, .3, .5, .75, 1, 2, 5, 10, 30};

constexpr const char *pool_name = "db_client_connection_pool_name";

std::string shown_name(const std::string &strategy) {
  return strategy.empty() ? "(built in)" : strategy;
}

// Counters of the registry follow the pool's own counts, which never fall.
void follow(prometheus::Counter &counter, double now) {
  counter.Increment(now - counter.Value());
}

} // namespace

RouteMetrics::RouteMetrics(prometheus::Family<prometheus::Counter> &requests,
                           prometheus::Family<prometheus::Histogram> &durations, std::string method,
                           std::string route)
    : requests_(requests), durations_(durations), method_(std::move(method)),
      route_(std::move(route)) {}

void RouteMetrics::count(int status, pool::Duration took) {
  Series &one = series(status);
  one.requests.Increment();
  one.duration.Observe(in_milliseconds(took));
}

RouteMetrics::Series &RouteMetrics::series(int status) {
  auto &place = by_status_.at(static_cast<std::size_t>(status));
  if (Series *known = place.load(std::memory_order_acquire))
    return *known;
  const std::lock_guard lock(mutex_);
  if (Series *known = place.load(std::memory_order_acquire))
    return *known;
  const prometheus::Labels labels = {
      {"method", method_}, {"route", route_}, {"status_code", std::to_string(status)}};
  owned_.push_back(
      std::make_unique<Series>(Series{requests_.Add(labels), durations_.Add(labels, request_ms)}));
  place.store(owned_.back().get(), std::memory_order_release);
  return *owned_.back();
}

Metrics::Metrics(std::uint64_t began) {
  const auto histogram = [&](const char *name, const char *help) {
    return &prometheus::BuildHistogram().Name(name).Help(help).Register(registry_).Add(
        {{pool_name, "jobs"}}, pool_seconds);
  };
  const auto gauge = [&](const char *name, const char *help) {
    return &prometheus::BuildGauge().Name(name).Help(help).Register(registry_);
  };
  const auto counter = [&](const char *name, const char *help) {
    return &prometheus::BuildCounter().Name(name).Help(help).Register(registry_);
  };
  requests_ = counter("http_requests_total", "Requests answered");
  durations_ = &prometheus::BuildHistogram()
                    .Name("http_request_duration_ms")
                    .Help("Time from a request's receipt to its answer, in milliseconds")
                    .Register(registry_);
  wait_ = histogram("db_client_connection_wait_time_seconds",
                    "Time that requests waited for a connection");
  given_up_ = histogram("pool_lab_wait_given_up_seconds",
                        "Time that requests waited which were not given a connection");
  hold_ =
      histogram("db_client_connection_use_time_seconds", "Time that requests held a connection");
  connect_ = histogram("db_client_connection_create_time_seconds",
                       "Time that it took to open a connection");
  connections_ = gauge("db_client_connection_count", "Connections by state");
  max_ = &gauge("db_client_connection_max", "Requests that may hold a connection at once")
              ->Add({{pool_name, "jobs"}});
  pending_ = &gauge("db_client_connection_pending_requests", "Requests that wait for a connection")
                  ->Add({{pool_name, "jobs"}});
  oldest_wait_ =
      &gauge("pool_lab_oldest_wait_seconds", "How long the request has waited that waits longest")
           ->Add({});
  wait_limit_ =
      &gauge("pool_lab_wait_limit_seconds", "The longest wait that the plan in force allows")
           ->Add({});
  timeouts_ = &counter("db_client_connection_timeouts_total",
                       "Requests whose wait for a connection ran out")
                   ->Add({{pool_name, "jobs"}});
  gauge("pool_lab_start_time_seconds", "When the host began, in seconds since 1970")
      ->Add({})
      .Set(static_cast<double>(began) / 1000);
  host_busy_ = &counter("pool_lab_host_busy_total", "Requests answered host_busy")->Add({});
  server_ =
      gauge("pool_lab_server_connections", "The server's connections, its ceiling and reserve");
  strategy_ = gauge("pool_lab_strategy_info", "1 for the strategy in force");
  strategy_state_ = gauge("pool_lab_strategy_state",
                          "1 for the state: ok, builtin (the fixed plan that is compiled in), "
                          "contained (the one asked for was stopped)");
  swap_ = gauge("pool_lab_swap_timestamp_seconds",
                "When the strategy was swapped last, in seconds since 1970");
  tainted_ = &gauge("pool_lab_tainted",
                    "1 when no strategy can be loaded any more and the host is about to be "
                    "started anew")
                  ->Add({});
  ended_ = counter("pool_lab_requests_total", "Requests for the database, by how they ended");
  connects_failed_ =
      counter("pool_lab_connects_failed_total", "Connects to the database that failed, by reason");
  events_ = counter("pool_lab_pool_events_total", "What happened in the pool since the start");
}

std::unique_ptr<RouteMetrics> Metrics::route(const std::string &method, const std::string &route) {
  return std::make_unique<RouteMetrics>(*requests_, *durations_, method, route);
}

void Metrics::waited(pool::Duration wait, bool served) {
  waits_.note(wait);
  (served ? wait_ : given_up_)->Observe(in_seconds(wait));
}

void Metrics::held(pool::Duration hold) {
  holds_.note(hold);
  hold_->Observe(in_seconds(hold));
}

void Metrics::connect_took(pool::Duration took) {
  connect_->Observe(in_seconds(took));
}

void Metrics::swapped(const std::string &from, const std::string &to, std::uint64_t at) {
  const std::lock_guard lock(swap_mutex_);
  last_swap_ = Swap{from, to, at};
}

// The last one alone: where the series changes, a dashboard marks the moment.
prometheus::Gauge *Metrics::show_last_swap() {
  const std::lock_guard lock(swap_mutex_);
  if (!last_swap_)
    return nullptr;
  prometheus::Gauge &shown =
      swap_->Add({{"from", shown_name(last_swap_->from)}, {"to", shown_name(last_swap_->to)}});
  shown.Set(static_cast<double>(last_swap_->at) / 1000);
  return &shown;
}

void Metrics::set_counts(const LivePool::Snapshot &pool) {
  const pool::Counts &counts = pool.counts;
  const auto event = [&](const char *name, std::uint64_t count) {
    follow(events_->Add({{"event", name}}), static_cast<double>(count));
  };
  event("asked", counts.asked);
  event("served", counts.served);
  event("timed_out", counts.timed_out);
  event("refused", counts.refused);
  event("cancelled", counts.cancelled);
  event("failed", counts.failed);
  event("connects", counts.connects);
  event("connects_failed", counts.connects_failed);
  event("connects_refused", counts.connects_refused);
  event("closed", counts.closed);
  event("leaks_suspected", pool.leaks.suspected);
  event("leaks_reclaimed", pool.leaks.reclaimed);
  for (std::size_t i = 0; i < pool.connect_failures.size(); ++i)
    follow(connects_failed_->Add({{"reason", std::string(db::name_of(db::connect_failures[i]))}}),
           static_cast<double>(pool.connect_failures[i]));
  follow(*timeouts_, static_cast<double>(counts.timed_out));
  for (std::size_t i = 0; i < Outcomes::codes.size(); ++i)
    follow(ended_->Add({{"code", std::string(Outcomes::codes[i])}}),
           static_cast<double>(outcomes_.of(i)));
}

std::string Metrics::text(const LivePool &pool, const StrategyService &strategies,
                          const ServerWatch &server) {
  const std::lock_guard lock(text_mutex_);
  const LivePool::Snapshot now = pool.snapshot();
  const auto state = [&](const char *name, double value) {
    connections_->Add({{pool_name, "jobs"}, {"db_client_connection_state", name}}).Set(value);
  };
  state("idle", now.levels.idle);
  state("used", now.levels.in_use);
  state("connecting", now.levels.connecting);
  max_->Set(now.plan.max_in_use);
  pending_->Set(now.levels.waiting);
  oldest_wait_->Set(in_seconds(now.oldest_wait));
  wait_limit_->Set(in_seconds(now.plan.wait_timeout));
  set_counts(now);

  std::vector<prometheus::Gauge *> of_server;
  if (const auto reading = server.fresh()) {
    const auto set = [&](const char *kind, int value) {
      of_server.push_back(&server_->Add({{"kind", kind}}));
      of_server.back()->Set(value);
    };
    set("max", reading->numbers.max_connections);
    set("reserved", reading->numbers.reserved);
    set("total", reading->numbers.total);
    set("ours", reading->numbers.ours);
  }

  const StrategyStatus status = strategies.status();
  follow(events_->Add({{"event", "swaps"}}), static_cast<double>(status.swaps));
  follow(events_->Add({{"event", "strategies_contained"}}), static_cast<double>(status.contained));
  follow(events_->Add({{"event", "plan_fields_clamped"}}), static_cast<double>(status.clamped));
  for (const StrategyState one :
       {StrategyState::ok, StrategyState::builtin, StrategyState::contained})
    strategy_state_->Add({{"state", name_of(one)}}).Set(status.state == one ? 1 : 0);
  tainted_->Set(status.tainted ? 1 : 0);
  prometheus::Gauge &in_force = strategy_->Add(
      {{"name", shown_name(status.name)}, {"generation", std::to_string(status.generation)}});
  in_force.Set(1);
  prometheus::Gauge *const swap = show_last_swap();
  std::string text = prometheus::TextSerializer().Serialize(registry_.Collect());
  // Gone with this scrape, so that only what is in force, and what is known now, is ever shown.
  for (prometheus::Gauge *const one : of_server)
    server_->Remove(one);
  strategy_->Remove(&in_force);
  if (swap != nullptr)
    swap_->Remove(swap);
  return text;
}

} // namespace lab::host
