#include "host/pool/window.hpp"

#include <algorithm>

namespace lab::pool {

std::uint64_t Random::next() {
  state_ += 0x9E3779B97F4A7C15ULL;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

void Window::levels(Time now, const Levels &now_are) {
  const Duration since = now - last_;
  last_ = now;
  counts_.open_time += since * now_.open;
  counts_.in_use_time += since * now_.in_use;
  gauges_[0].note(now_are.open, since);
  gauges_[1].note(now_are.idle, since);
  gauges_[2].note(now_are.in_use, since);
  gauges_[3].note(now_are.connecting, since);
  gauges_[4].note(now_are.waiting, since);
  now_ = now_are;
}

void Window::ended(Outcome how, Time asked, Duration wait, Duration hold) {
  switch (how) {
  case Outcome::served:
    ++counts_.served;
    add(hold_[PL_SERVED], hold);
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
  longest_wait_ = std::max(longest_wait_, wait);
  sample({asked.time_since_epoch().count(), wait.count(), hold.count(),
          static_cast<std::uint32_t>(how), 0});
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

void Window::add(pl_total &total, Duration d) {
  const pl_ns ns = d.count();
  total.min = total.count == 0 ? ns : std::min(total.min, ns);
  total.max = std::max(total.max, ns);
  total.sum += ns;
  ++total.count;
}

// Reservoir sampling (Vitter 1985, algorithm R): each request of the window is
// kept with the same chance, however many there were.
void Window::sample(const pl_sample &one) {
  ++ended_;
  if (samples_.size() < POOL_LAB_MAX_SAMPLES) {
    samples_.push_back(one);
    return;
  }
  const std::uint64_t place = random_.below(ended_);
  if (place < samples_.size())
    samples_[place] = one;
}

pl_observation Window::take(Time now, Duration oldest_wait) {
  levels(now, now_); // so that the gauges' areas reach up to now
  const Duration window = now - started_;

  pl_observation out{};
  out.struct_size = sizeof(pl_observation);
  out.absolute_max = POOL_LAB_MAX_SIZE;
  out.now = now.time_since_epoch().count();
  out.window = window.count();
  out.open = gauges_[0].shown(window);
  out.idle = gauges_[1].shown(window);
  out.in_use = gauges_[2].shown(window);
  out.connecting = gauges_[3].shown(window);
  out.waiting = gauges_[4].shown(window);
  out.oldest_wait = oldest_wait.count();
  // The longest that anyone waited in this window: ended waits, or one that goes on.
  out.oldest_wait_high = std::max(oldest_wait, longest_wait_).count();

  out.asked = counts_.asked - at_start_.asked;
  out.served = counts_.served - at_start_.served;
  out.timed_out = counts_.timed_out - at_start_.timed_out;
  out.refused = counts_.refused - at_start_.refused;
  out.cancelled = counts_.cancelled - at_start_.cancelled;
  out.failed = counts_.failed - at_start_.failed;
  out.connects = counts_.connects - at_start_.connects;
  out.connects_failed = counts_.connects_failed - at_start_.connects_failed;
  out.connects_refused = counts_.connects_refused - at_start_.connects_refused;
  std::copy(wait_.begin(), wait_.end(), out.wait);
  std::copy(hold_.begin(), hold_.end(), out.hold);
  out.connect_time = connect_time_;

  taken_.swap(samples_);
  out.samples = taken_.data();
  out.sample_count = static_cast<std::uint32_t>(taken_.size());
  out.sample_stride = sizeof(pl_sample);
  out.server_age = -1;

  started_ = now;
  at_start_ = counts_;
  for (Gauge &gauge : gauges_)
    gauge.restart();
  wait_ = {};
  hold_ = {};
  connect_time_ = {};
  longest_wait_ = {};
  ended_ = 0;
  samples_.clear();
  return out;
}

} // namespace lab::pool
