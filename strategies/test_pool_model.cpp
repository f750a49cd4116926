#include "strategies/test_pool_model.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace lab::plugin {
namespace {

constexpr double connect_seconds = 0.006;
constexpr double slice_seconds = 0.1;

pl_ns ns(double seconds) {
  return static_cast<pl_ns>(std::llround(seconds * 1e9));
}
double seconds(pl_ns t) {
  return static_cast<double>(t) / 1e9;
}

void add(pl_total &total, pl_ns value) {
  total.min = total.count == 0 ? value : std::min(total.min, value);
  total.max = std::max(total.max, value);
  total.sum += value;
  ++total.count;
}

} // namespace

PoolModel::PoolModel(Instance &strategy, std::uint64_t seed) : strategy_(strategy), random_(seed) {
  look();
}

void PoolModel::run(const Load &load, double seconds) {
  load_ = load;
  ++load_number_;
  push(now_ + seconds, Kind::phase_end, 0, load_number_);
  if (load.rate > 0)
    push(now_, Kind::ask, 0, load_number_);
  for (int i = 0; i < load.users; ++i)
    push(now_ + 0.001 * i, Kind::ask, 0, load_number_);
  for (;;) {
    const Event event = events_.top();
    events_.pop();
    advance_to(event.at);
    if (event.kind == Kind::phase_end && event.load == load_number_)
      return;
    handle(event);
    expire_waiters();
    serve_waiters();
    connect_for_waiters();
    track_all(0);
    slice().in_use = in_use_;
    slice().limit = plan_.max_in_use;
    highest_open_ = std::max(highest_open_, idle_ + in_use_);
  }
}

void PoolModel::handle(const Event &event) {
  switch (event.kind) {
  case Kind::ask:
    if (event.load != load_number_)
      return;
    if (load_.rate > 0)
      push(now_ + std::exponential_distribution<double>(load_.rate)(random_), Kind::ask, 0,
           event.load);
    ask(event.load);
    return;
  case Kind::end:
    --in_use_;
    // Shrunk below what is open: a busy connection closes when it comes back.
    if (idle_ + in_use_ < plan_.max_open)
      ++idle_;
    ++window_.served;
    add(window_.hold[PL_SERVED], ns(event.hold));
    ++slice().ended;
    if (load_.users > 0 && event.load == load_number_)
      push(now_, Kind::ask, 0, event.load);
    return;
  case Kind::connected:
    --connecting_;
    ++idle_;
    ++window_.connects;
    return;
  case Kind::look:
    look();
    return;
  case Kind::phase_end:
    return;
  }
}

void PoolModel::ask(std::uint64_t load) {
  ++window_.asked;
  ++slice().asked;
  const unsigned room =
      plan_.max_in_use > in_use_ ? std::min(idle_, plan_.max_in_use - in_use_) : 0;
  if (waiting_.size() >= plan_.max_waiting + room) {
    ++window_.refused;
    ++slice().refused;
    if (load_.users > 0 && load == load_number_)
      push(now_ + 0.01, Kind::ask, 0, load);
    return;
  }
  waiting_.push_back({now_, load});
}

void PoolModel::expire_waiters() {
  const double limit = seconds(plan_.wait_timeout);
  while (!waiting_.empty() && now_ - waiting_.front().asked >= limit) {
    add(window_.wait[PL_TIMED_OUT], ns(now_ - waiting_.front().asked));
    ++window_.timed_out;
    ++slice().timed_out;
    if (load_.users > 0 && waiting_.front().load == load_number_)
      push(now_, Kind::ask, 0, waiting_.front().load);
    waiting_.pop_front();
  }
}

void PoolModel::serve_waiters() {
  while (!waiting_.empty() && idle_ > 0 && in_use_ < plan_.max_in_use) {
    add(window_.wait[PL_SERVED], ns(now_ - waiting_.front().asked));
    --idle_;
    ++in_use_;
    const double hold = load_.hold(in_use_, random_);
    push(now_ + hold, Kind::end, hold, waiting_.front().load);
    waiting_.pop_front();
  }
}

void PoolModel::connect_for_waiters() {
  while (waiting_.size() > idle_ + connecting_ && connecting_ < plan_.max_connecting &&
         idle_ + in_use_ + connecting_ < std::min(plan_.max_in_use, plan_.max_open)) {
    ++connecting_;
    push(now_ + connect_seconds, Kind::connected);
  }
}

void PoolModel::look() {
  const double window = now_ - last_look_;
  pl_observation seen = window_;
  seen.struct_size = sizeof seen;
  seen.absolute_max = POOL_LAB_MAX_SIZE;
  seen.now = ns(now_);
  seen.window = ns(window);
  seen.plan = plan_;
  seen.waiting = shown(waiting_gauge_, static_cast<unsigned>(waiting_.size()), window);
  seen.in_use = shown(in_use_gauge_, in_use_, window);
  seen.idle = shown(idle_gauge_, idle_, window);
  seen.open = shown(open_gauge_, idle_ + in_use_, window);
  seen.connecting = shown(connecting_gauge_, connecting_, window);
  seen.oldest_wait = waiting_.empty() ? 0 : ns(now_ - waiting_.front().asked);
  seen.oldest_wait_high = std::max(seen.oldest_wait, seen.wait[PL_SERVED].max);
  seen.sample_stride = sizeof(pl_sample);
  seen.server_max_connections = 100;
  seen.server_reserved = 3;
  seen.server_others = load_.server_others;
  seen.random = random_();

  pl_plan plan = default_plan();
  if (const CallResult failure = strategy_.look(seen, plan))
    throw std::runtime_error(failure->text);
  plan_ = plan;
  highest_limit_ = std::max(highest_limit_, plan.max_in_use);
  while (idle_ > 0 && idle_ + in_use_ > plan_.max_open)
    --idle_;

  window_ = {};
  last_look_ = now_;
  waiting_gauge_ = {static_cast<unsigned>(waiting_.size()), static_cast<unsigned>(waiting_.size()),
                    0};
  in_use_gauge_ = {in_use_, in_use_, 0};
  idle_gauge_ = {idle_, idle_, 0};
  open_gauge_ = {idle_ + in_use_, idle_ + in_use_, 0};
  connecting_gauge_ = {connecting_, connecting_, 0};
  push(now_ + seconds(plan_.next_look), Kind::look);
}

void PoolModel::push(double at, Kind kind, double hold, std::uint64_t load) {
  events_.push({at, made_++, kind, load, hold});
}

void PoolModel::advance_to(double at) {
  track_all(at - now_);
  now_ = at;
}

void PoolModel::track_all(double span) {
  track(waiting_gauge_, static_cast<unsigned>(waiting_.size()), span);
  track(in_use_gauge_, in_use_, span);
  track(idle_gauge_, idle_, span);
  track(open_gauge_, idle_ + in_use_, span);
  track(connecting_gauge_, connecting_, span);
}

void PoolModel::track(Gauge &gauge, unsigned value, double span) {
  gauge.low = std::min(gauge.low, value);
  gauge.high = std::max(gauge.high, value);
  gauge.area += value * span;
}

pl_gauge PoolModel::shown(const Gauge &gauge, unsigned now, double window) const {
  return {now, gauge.low, gauge.high, 0, window > 0 ? gauge.area / window : now};
}

Slice &PoolModel::slice() {
  const auto number = static_cast<std::size_t>(now_ / slice_seconds);
  if (slices_.size() <= number)
    slices_.resize(number + 1);
  return slices_[number];
}

} // namespace lab::plugin
