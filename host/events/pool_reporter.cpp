#include "host/events/pool_reporter.hpp"

#include <algorithm>
#include <chrono>

#include "db/process_limits.hpp"
#include "host/strategy_settings.hpp"

namespace lab::host {
namespace {

using nlohmann::json;

double milliseconds(pool::Duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

json milliseconds_or_null(const std::optional<pool::Duration> &d) {
  return d ? json(milliseconds(*d)) : json(nullptr);
}

json text_or_null(const std::string &text) {
  return text.empty() ? json(nullptr) : json(text);
}

json plan_json(const pool::Plan &plan, std::uint32_t max_open) {
  return {{"max_in_use", plan.max_in_use},
          {"max_open", max_open},
          {"share", plan.share < POOL_LAB_MAX_SIZE ? json(plan.share) : json(nullptr)},
          {"min_idle", plan.min_idle},
          {"max_connecting", plan.max_connecting},
          {"max_waiting", plan.max_waiting},
          {"order", plan.order == pool::Order::fifo ? "fifo" : "lifo"},
          {"wait_timeout_ms", milliseconds(plan.wait_timeout)},
          {"idle_timeout_ms", milliseconds(plan.idle_timeout)},
          {"max_lifetime_ms", milliseconds(plan.max_lifetime)},
          {"next_look_ms", milliseconds(plan.next_look)}};
}

json counts_json(const pool::Counts &counts, const StrategyStatus &status) {
  return {{"asked", counts.asked},
          {"served", counts.served},
          {"timed_out", counts.timed_out},
          {"refused", counts.refused},
          {"cancelled", counts.cancelled},
          {"failed", counts.failed},
          {"connects", counts.connects},
          {"connects_failed", counts.connects_failed},
          {"connects_refused", counts.connects_refused},
          {"closed", counts.closed},
          {"clamped", status.clamped}};
}

json leak_json(const SuspectedLeak &leak, pool::Time now) {
  return {{"route", leak.route},
          {"held_ms", milliseconds(now - leak.since)},
          {"backend_pid", leak.backend_pid}};
}

json leaks_json(const LeakWatch::Counts &leaks, pool::Time now) {
  json suspected = json::array();
  for (const SuspectedLeak &leak : leaks.now)
    suspected.push_back(leak_json(leak, now));
  return {{"after_ms",
           leaks.limit > pool::Duration::zero() ? json(milliseconds(leaks.limit)) : json(nullptr)},
          {"suspected", leaks.suspected},
          {"reclaimed", leaks.reclaimed},
          {"now", std::move(suspected)}};
}

json connect_failures_json(const LivePool::ConnectFailures &failures) {
  json by_reason = json::object();
  for (std::size_t i = 0; i < failures.size(); ++i)
    by_reason[std::string(db::name_of(db::connect_failures[i]))] = failures[i];
  return by_reason;
}

json server_json(const ServerWatch::Reading &reading, pool::Time now) {
  return {{"max_connections", reading.numbers.max_connections},
          {"reserved", reading.numbers.reserved},
          {"others", reading.numbers.total - reading.numbers.ours},
          {"total", reading.numbers.total},
          {"active", reading.numbers.active},
          {"waiting_for_locks", reading.numbers.waiting_for_locks},
          {"cores", reading.cores ? json(*reading.cores) : json()},
          {"age_ms", milliseconds(now - reading.at)}};
}

} // namespace

void append_strategy_event(EventLog &log, const StrategyEvent &event) {
  switch (event.kind) {
  case StrategyEvent::Kind::swapped:
    log.append("swap", {{"from", event.from},
                        {"to", event.name},
                        {"generation", event.generation},
                        {"params", params_json(event.params)},
                        {"problem", event.problem.empty() ? json() : json(event.problem)}});
    return;
  case StrategyEvent::Kind::params:
    log.append("strategy",
               {{"name", event.name}, {"what", "params"}, {"params", params_json(event.params)}});
    return;
  case StrategyEvent::Kind::contained:
    log.append("strategy",
               {{"name", event.name}, {"what", "contained"}, {"problem", event.problem}});
    return;
  }
}

void append_leak(EventLog &log, const SuspectedLeak &leak, pool::Time now) {
  json data = leak_json(leak, now);
  data["what"] = "suspected";
  log.append("leak", std::move(data));
}

void append_reclaim(EventLog &log, std::size_t count) {
  log.append("leak", {{"what", "reclaimed"}, {"count", count}});
}

PoolReporter::PoolReporter(const Clock &clock, const LivePool &pool,
                           const StrategyService &strategies, const ServerWatch &server,
                           const Metrics &metrics, EventLog &log)
    : clock_(clock), pool_(pool), strategies_(strategies), server_(server), metrics_(metrics),
      log_(log), diagnostician_(db::usable_processors()),
      thread_([this](std::stop_token stop) { run(stop); }) {}

PoolReporter::~PoolReporter() {
  thread_.request_stop();
  thread_.join();
}

json PoolReporter::now() const {
  const LivePool::Snapshot now = pool_.snapshot();
  const StrategyStatus status = strategies_.status();
  const pool::Counts &counts = now.counts;
  json requests = json::object();
  for (std::size_t i = 0; i < Outcomes::codes.size(); ++i)
    requests[std::string(Outcomes::codes[i])] = metrics_.outcomes().of(i);
  json out = {{"at_ms", clock_.wall_ms()},
              {"now_ms", milliseconds(now.now.time_since_epoch())},
              {"strategy", status.name},
              {"strategy_state", name_of(status.state)},
              {"strategy_problem", text_or_null(status.problem)},
              {"generation", status.generation},
              {"params", params_json(status.params)},
              {"open", now.levels.open},
              {"idle", now.levels.idle},
              {"in_use", now.levels.in_use},
              {"connecting", now.levels.connecting},
              {"waiting", now.levels.waiting},
              {"oldest_wait_ms", milliseconds(now.oldest_wait)},
              {"counts", counts_json(counts, status)},
              {"connect_failures", connect_failures_json(now.connect_failures)},
              {"requests", requests},
              {"totals",
               {{"open_seconds", std::chrono::duration<double>(counts.open_time).count()},
                {"in_use_seconds", std::chrono::duration<double>(counts.in_use_time).count()}}},
              {"plan", plan_json(now.plan, now.max_open)},
              {"paused", now.paused},
              {"leaks", leaks_json(now.leaks, now.now)},
              {"explain", status.explain},
              {"settings_problem", text_or_null(status.settings_problem)},
              {"last_connect_error", text_or_null(now.last_connect_error)},
              {"database_problem", text_or_null(server_.problem())},
              {"server", nullptr}};
  if (const auto reading = server_.last())
    out["server"] = server_json(*reading, now.now);
  const std::lock_guard lock(mutex_);
  out["diagnosis"] = {{"cause", name_of(diagnosis_.cause)},
                      {"text", diagnosis_.text},
                      {"needed", diagnosis_.needed ? json(*diagnosis_.needed) : json()}};
  for (const auto &[name, of] : {std::pair("wait_ms", &waits_), std::pair("hold_ms", &holds_)})
    out[name] = {{"p50", milliseconds_or_null(of->p50)}, {"p99", milliseconds_or_null(of->p99)}};
  return out;
}

void PoolReporter::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    measure();
    note_database();
    diagnose();
    log_.append("gauges", now());
    std::unique_lock lock(mutex_);
    (void)wake_.wait_for(lock, stop, beat, [] { return false; });
  }
}

void PoolReporter::measure() {
  lately_.push_back({metrics_.waits().read(), metrics_.holds().read()});
  const auto of = [this](TimeTally::Counts Tallies::*which) {
    const auto &before = lately_.front().*which;
    const auto &after = lately_.back().*which;
    return Percentiles{percentile(before, after, 0.5), percentile(before, after, 0.99)};
  };
  const std::lock_guard lock(mutex_);
  waits_ = of(&Tallies::waits);
  holds_ = of(&Tallies::holds);
  if (lately_.size() > beats_a_second)
    lately_.pop_front();
}

void PoolReporter::diagnose() {
  const LivePool::Snapshot now = pool_.snapshot();
  const pool::Counts &counts = now.counts;
  Look look{.at = now.now,
            .in_use = now.levels.in_use,
            .waiting = now.levels.waiting,
            .limit = std::min(now.plan.max_in_use, now.plan.share),
            .open = now.levels.open,
            .long_holds = now.long_holds,
            .longest_hold = now.longest_hold,
            .paused = now.paused,
            .asked = counts.asked,
            .turned_away = counts.timed_out + counts.refused,
            .connects_refused = counts.connects_refused,
            .ended = counts.served + counts.failed,
            .well = counts.served,
            .in_use_time = counts.in_use_time,
            .silent = server_.silent(),
            .database_problem = server_.problem()};
  if (const auto reading = server_.last()) {
    const db::ServerNumbers &numbers = reading->numbers;
    look.server = {.read = reading->at,
                   .max_connections = numbers.max_connections,
                   .reserved = numbers.reserved,
                   .total = numbers.total,
                   .ours = numbers.ours,
                   .waiting_for_locks = numbers.waiting_for_locks,
                   .long_at_work = numbers.ours_at_work_long,
                   .cores = reading->cores};
  }
  Diagnosis diagnosis = diagnostician_.look(look);
  const std::lock_guard lock(mutex_);
  diagnosis_ = std::move(diagnosis);
}

void PoolReporter::note_database() {
  const std::string problem = server_.problem();
  if (problem.empty() == database_answers_)
    return;
  database_answers_ = problem.empty();
  log_.append("fault", {{"what", database_answers_ ? "the database answers again"
                                                   : "the database does not answer"},
                        {"detail", problem}});
}

} // namespace lab::host
