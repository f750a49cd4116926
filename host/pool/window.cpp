#include "host/pool/window.hpp"

#include <limits>

namespace lab::pool {
namespace {

constexpr std::uint64_t everybody = std::numeric_limits<std::uint64_t>::max();

} // namespace

std::uint64_t Random::next() {
  state_ += 0x9E3779B97F4A7C15ULL;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

Window::Window(std::uint64_t seed, std::uint32_t most_samples)
    : most_samples_(most_samples), draws_(seed), sampled_below_(most_samples > 0 ? everybody : 0) {}

void Window::levels(Time now, const Levels &now_are) {
  const Duration since = now - last_;
  last_ = now;
  counts_.open_time += since * now_.open;
  gauges_[0].note(now_are.open, since);
  gauges_[1].note(now_are.idle, since);
  gauges_[2].note(now_are.in_use, since);
  gauges_[3].note(now_are.connecting, since);
  gauges_[4].note(now_are.waiting, since);
  now_ = now_are;
}

void Window::gate_was_open(std::uint32_t open, std::uint32_t fewest_idle, std::uint32_t most_idle) {
  gauges_[1].reached(fewest_idle, most_idle);
  gauges_[2].reached(open - most_idle, open - fewest_idle);
}

void Window::handed_out(Duration wait) {
  add(wait_[PL_SERVED], wait);
  longest_wait_ = std::max(longest_wait_, wait);
}

void Window::ended_well(Time asked, Duration wait, Duration hold, std::uint64_t draw) {
  sample({asked.time_since_epoch().count(), wait.count(), hold.count(), PL_SERVED, 0}, draw);
}

void Window::ended(Outcome how, Time asked, Duration wait, Duration hold) {
  switch (how) {
  case Outcome::served: // ended_well tells of those
    break;
  case Outcome::failed:
    ++counts_.failed;
    add(hold_[PL_FAILED], hold);
    break;
  case Outcome::timed_out:
    ++counts_.timed_out;
    add(wait_[PL_TIMED_OUT], wait);
    break;
  case Outcome::refused:
    ++counts_.refused;
    add(wait_[PL_REFUSED], wait);
    break;
  case Outcome::cancelled:
    ++counts_.cancelled;
    add(wait_[PL_CANCELLED], wait);
    break;
  }
  if (how != Outcome::failed) // whose wait ended with a hand-out
    longest_wait_ = std::max(longest_wait_, wait);
  sample({asked.time_since_epoch().count(), wait.count(), hold.count(),
          static_cast<std::uint32_t>(how), 0},
         draw_for(0, ++draws_));
}

void Window::connected(Duration took) {
  ++counts_.connects;
  add(connect_time_, took);
}

void Window::connect_failed(bool too_many) {
  ++counts_.connects_failed;
  if (too_many)
    ++counts_.connects_refused;
}

Counts Window::counts_until(Time now) const {
  Counts counts = counts_;
  counts.open_time += (now - last_) * now_.open;
  return counts;
}

void Window::add(pl_total &total, Duration d) {
  const pl_ns ns = d.count();
  total.min = total.count == 0 ? ns : std::min(total.min, ns);
  total.max = std::max(total.max, ns);
  total.sum += ns;
  ++total.count;
}

std::uint64_t Window::draw_for(std::uint64_t connection, std::uint64_t hold) {
  return Random(connection * 0xD1342543DE82EF95ULL + hold).next();
}

void Window::sample(const pl_sample &one, std::uint64_t draw) {
  if (!samples(draw))
    return;
  samples_.push_back({one, draw});
  while (samples_.size() > most_samples_) {
    sampled_below_.store(sampled_below_.load(std::memory_order_relaxed) / 2,
                         std::memory_order_relaxed);
    std::erase_if(samples_, [&](const Sampled &kept) { return !samples(kept.draw); });
  }
}

pl_observation Window::take(Time now, Duration oldest_wait, const Served &served) {
  const Duration window = now - started_;
  // The gate moves these two between events; what was held in all tells their means.
  const auto in_use_area =
      static_cast<double>((served.in_use_time - served_at_start_.in_use_time).count());
  const double idle_area = gauges_[0].area() - in_use_area;

  pl_observation out{};
  out.struct_size = sizeof(pl_observation);
  out.absolute_max = POOL_LAB_MAX_SIZE;
  out.now = now.time_since_epoch().count();
  out.window = window.count();
  out.open = gauges_[0].shown(window, gauges_[0].area());
  out.idle = gauges_[1].shown(window, idle_area);
  out.in_use = gauges_[2].shown(window, in_use_area);
  out.connecting = gauges_[3].shown(window, gauges_[3].area());
  out.waiting = gauges_[4].shown(window, gauges_[4].area());
  out.oldest_wait = oldest_wait.count();
  // The longest that anyone waited in this window: ended waits, or one that goes on.
  out.oldest_wait_high = std::max(oldest_wait, longest_wait_).count();

  const std::uint64_t through_the_gate =
      served.through_the_gate - served_at_start_.through_the_gate;
  out.asked = counts_.asked - at_start_.asked + through_the_gate;
  out.served = served.served - served_at_start_.served;
  out.timed_out = counts_.timed_out - at_start_.timed_out;
  out.refused = counts_.refused - at_start_.refused;
  out.cancelled = counts_.cancelled - at_start_.cancelled;
  out.failed = counts_.failed - at_start_.failed;
  out.connects = counts_.connects - at_start_.connects;
  out.connects_failed = counts_.connects_failed - at_start_.connects_failed;
  out.connects_refused = counts_.connects_refused - at_start_.connects_refused;
  std::copy(wait_.begin(), wait_.end(), out.wait);
  if (through_the_gate > 0) {
    out.wait[PL_SERVED].count += through_the_gate;
    out.wait[PL_SERVED].min = 0;
  }
  std::copy(hold_.begin(), hold_.end(), out.hold);
  if (out.served > 0) {
    const Duration sum = served.hold_sum - served_at_start_.hold_sum;
    // A hold that ended just as the window before was closed has left its length there.
    const bool known = served.hold_least <= served.hold_most;
    const Duration mean = sum / static_cast<Duration::rep>(out.served);
    out.hold[PL_SERVED] = {out.served, sum.count(), (known ? served.hold_least : mean).count(),
                           (known ? served.hold_most : mean).count()};
  }
  out.connect_time = connect_time_;

  taken_.clear();
  for (const Sampled &kept : samples_)
    taken_.push_back(kept.sample);
  out.samples = taken_.data();
  out.sample_count = static_cast<std::uint32_t>(taken_.size());
  out.sample_stride = sizeof(pl_sample);
  out.server_age = -1;

  started_ = now;
  at_start_ = counts_;
  served_at_start_ = served;
  for (Gauge &gauge : gauges_)
    gauge.restart();
  wait_ = {};
  hold_ = {};
  connect_time_ = {};
  longest_wait_ = {};
  samples_.clear();
  sampled_below_.store(most_samples_ > 0 ? everybody : 0, std::memory_order_relaxed);
  number_.store(number() + 1, std::memory_order_relaxed);
  return out;
}

} // namespace lab::pool
