#include "host/pool/simulation/window_books.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace lab::pool::simulation {

void WindowBooks::served(Duration wait) {
  note(wait_[PL_SERVED], wait);
  longest_wait_ = std::max(longest_wait_, wait);
}

void WindowBooks::ended(Outcome how, Time asked, Duration wait, Duration hold) {
  switch (how) {
  case Outcome::served:
    ++counts_.served;
    break;
  case Outcome::failed:
    ++counts_.failed;
    break;
  case Outcome::timed_out:
    ++counts_.timed_out;
    break;
  case Outcome::refused:
    ++counts_.refused;
    break;
  case Outcome::cancelled:
    ++counts_.cancelled;
    break;
  }
  const auto outcome = static_cast<std::uint32_t>(how);
  const bool had_a_connection = how == Outcome::served || how == Outcome::failed;
  note(had_a_connection ? hold_.at(outcome) : wait_.at(outcome), had_a_connection ? hold : wait);
  if (!had_a_connection)
    longest_wait_ = std::max(longest_wait_, wait);
  ended_.emplace_back(asked.time_since_epoch().count(), wait.count(), hold.count(), outcome);
}

void WindowBooks::connected(Duration took) {
  ++counts_.connects;
  note(connect_, took);
}

void WindowBooks::connect_failed(bool refused) {
  ++counts_.connects_failed;
  counts_.connects_refused += refused ? 1 : 0;
}

void WindowBooks::levels(Time now, const Levels &now_are) {
  const Duration since = now - last_;
  last_ = now;
  counts_.open_time += since * levels_[0].now;
  counts_.in_use_time += since * levels_[2].now;
  const auto after = row(now_are);
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    Level &level = levels_.at(i);
    level.area += static_cast<double>(level.now) * static_cast<double>(since.count());
    level.now = after.at(i);
    level.low = std::min(level.low, level.now);
    level.high = std::max(level.high, level.now);
  }
}

std::array<std::uint32_t, 5> WindowBooks::row(const Levels &l) const {
  return {l.open, l.idle, l.in_use, l.connecting, l.waiting};
}

std::string WindowBooks::compare(const Counts &c) const {
  const auto differ = [](const char *name, auto pool, auto books) -> std::string {
    return pool == books
               ? ""
               : fmt::format("the counts don't add up: {} is {}, must be {}", name, pool, books);
  };
  for (const std::string &wrong :
       {differ("asked", c.asked, counts_.asked), differ("served", c.served, counts_.served),
        differ("timed out", c.timed_out, counts_.timed_out),
        differ("refused", c.refused, counts_.refused),
        differ("cancelled", c.cancelled, counts_.cancelled),
        differ("failed", c.failed, counts_.failed),
        differ("connects", c.connects, counts_.connects),
        differ("connects failed", c.connects_failed, counts_.connects_failed),
        differ("connects refused", c.connects_refused, counts_.connects_refused),
        differ("closed", c.closed, counts_.closed),
        differ("open time", c.open_time.count(), counts_.open_time.count()),
        differ("time in use", c.in_use_time.count(), counts_.in_use_time.count())})
    if (!wrong.empty())
      return wrong;
  return "";
}

std::string WindowBooks::compare(const pl_observation &seen, Time now, Duration oldest_wait) {
  const auto wrong = [](const std::string &what) {
    return "the observation is wrong about " + what;
  };
  const Duration length = now - start_;
  if (seen.window != length.count())
    return wrong("the window's length");
  if (seen.oldest_wait != oldest_wait.count() ||
      seen.oldest_wait_high != std::max(oldest_wait, longest_wait_).count())
    return wrong("the oldest wait");
  const std::array<const pl_gauge *, 5> gauges = {&seen.open, &seen.idle, &seen.in_use,
                                                  &seen.connecting, &seen.waiting};
  constexpr std::array<const char *, 5> names = {"open", "idle", "in use", "connecting", "waiting"};
  for (std::size_t i = 0; i < gauges.size(); ++i) {
    const Level &level = levels_.at(i);
    const double mean = length.count() > 0 ? level.area / static_cast<double>(length.count())
                                           : static_cast<double>(level.now);
    const pl_gauge &gauge = *gauges.at(i);
    if (gauge.now != level.now || gauge.low != level.low || gauge.high != level.high ||
        std::abs(gauge.mean - mean) > 1e-6)
      return wrong(names.at(i));
  }
  if (seen.asked != counts_.asked - at_start_.asked ||
      seen.served != counts_.served - at_start_.served ||
      seen.timed_out != counts_.timed_out - at_start_.timed_out ||
      seen.refused != counts_.refused - at_start_.refused ||
      seen.cancelled != counts_.cancelled - at_start_.cancelled ||
      seen.failed != counts_.failed - at_start_.failed ||
      seen.connects != counts_.connects - at_start_.connects ||
      seen.connects_failed != counts_.connects_failed - at_start_.connects_failed ||
      seen.connects_refused != counts_.connects_refused - at_start_.connects_refused)
    return wrong("a count");
  for (std::size_t i = 0; i < wait_.size(); ++i)
    if (differs(seen.wait[i], wait_.at(i)) || differs(seen.hold[i], hold_.at(i)))
      return wrong(fmt::format("waits or holds of outcome {}", i));
  if (differs(seen.connect_time, connect_))
    return wrong("connect times");
  // All while they fit; of more, some.
  if (ended_.size() <= most_samples_ ? seen.sample_count != ended_.size()
                                     : seen.sample_count > most_samples_)
    return wrong("the number of samples");
  for (std::uint32_t i = 0; i < seen.sample_count; ++i) {
    const pl_sample &s = seen.samples[i];
    const auto one =
        std::find(ended_.begin(), ended_.end(), std::tuple(s.started, s.wait, s.hold, s.outcome));
    if (one == ended_.end())
      return wrong("a sample");
    ended_.erase(one); // each request at most once
  }

  start_ = now;
  at_start_ = counts_;
  for (Level &level : levels_) {
    level.low = level.high = level.now;
    level.area = 0;
  }
  wait_ = {};
  hold_ = {};
  connect_ = {};
  longest_wait_ = {};
  ended_.clear();
  return "";
}

void WindowBooks::note(Total &total, Duration d) {
  total.min = total.count == 0 ? d : std::min(total.min, d);
  total.max = std::max(total.max, d);
  total.sum += d;
  ++total.count;
}

bool WindowBooks::differs(const pl_total &seen, const Total &total) {
  return seen.count != total.count || seen.sum != total.sum.count() ||
         seen.min != total.min.count() || seen.max != total.max.count();
}

} // namespace lab::pool::simulation
