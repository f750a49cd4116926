// What happened since a moment: gauges, counts, durations and samples.
//
// The pool notes into it; the governor takes it out at each look. Cumulative
// counts live on beside the window, for metrics and for the page.
// [whoever holds the pool]
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "host/pool/time.hpp"
#include "pool_lab/strategy.h"

namespace lab::pool {

enum class Outcome {
  served = PL_SERVED,
  timed_out = PL_TIMED_OUT,
  refused = PL_REFUSED,
  cancelled = PL_CANCELLED,
  failed = PL_FAILED
};
inline constexpr std::size_t outcomes = PL_OUTCOMES;

// How many there are of each kind, at one moment.
struct Levels {
  std::uint32_t open = 0; // idle + in use
  std::uint32_t idle = 0;
  std::uint32_t in_use = 0;
  std::uint32_t connecting = 0;
  std::uint32_t waiting = 0;
};

// Since the host's start. asked = served + timed_out + refused + cancelled +
// failed + waiting + in use. connects = closed + open.
struct Counts {
  std::uint64_t asked = 0;
  std::uint64_t served = 0; // gave its connection back healthy
  std::uint64_t timed_out = 0;
  std::uint64_t refused = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t failed = 0;
  std::uint64_t connects = 0;
  std::uint64_t connects_failed = 0;
  std::uint64_t connects_refused = 0; // of those: too many connections
  std::uint64_t closed = 0;
  Duration open_time{};   // connections times time: what the pool costs the server
  Duration in_use_time{}; // of that: held by a request
};

// One gauge over a window: now, low, high and the mean weighted by time.
class Gauge {
public:
  void restart() {
    low_ = high_ = now_;
    area_ = 0;
  }
  // `level` holds from now on; the level before held for `since`.
  void note(std::uint32_t level, Duration since) {
    area_ += static_cast<double>(now_) * static_cast<double>(since.count());
    now_ = level;
    if (level < low_)
      low_ = level;
    if (level > high_)
      high_ = level;
  }
  pl_gauge shown(Duration window) const {
    const double mean = window.count() > 0 ? area_ / static_cast<double>(window.count())
                                           : static_cast<double>(now_);
    return pl_gauge{now_, low_, high_, 0, mean};
  }

private:
  std::uint32_t now_ = 0;
  std::uint32_t low_ = 0;
  std::uint32_t high_ = 0;
  double area_ = 0;
};

// A plain seeded generator (splitmix64): equal numbers on every machine.
class Random {
public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

private:
  std::uint64_t state_;
};

class Window {
public:
  explicit Window(std::uint64_t seed) : random_(seed) {}

  // The levels after an event.
  void levels(Time now, const Levels &now_are);

  void asked() { ++counts_.asked; }
  // A wait ended with a hand-out. The request goes on; `ended` tells the rest.
  void handed_out(Duration wait) { add(wait_[PL_SERVED], wait); }
  // A request is over. `hold` is zero for those that never got a connection.
  void ended(Outcome how, Time asked, Duration wait, Duration hold);
  void connected(Duration took);
  void connect_failed(bool too_many);
  void closed() { ++counts_.closed; }

  const Counts &counts() const { return counts_; }

  // Closes the window at `now` and starts the next. Fills in all but `plan`,
  // the server's numbers and `random`. The samples stay valid until the next call.
  pl_observation take(Time now, Duration oldest_wait);

private:
  static void add(pl_total &total, Duration d);
  void sample(const pl_sample &one);

  Random random_;
  Time started_{};
  Time last_{};
  Counts counts_;
  Counts at_start_;
  Levels now_;
  std::array<Gauge, 5> gauges_; // open, idle, in use, connecting, waiting
  std::array<pl_total, outcomes> wait_{};
  std::array<pl_total, outcomes> hold_{};
  pl_total connect_time_{};
  Duration longest_wait_{};
  std::uint64_t ended_ = 0; // in this window: what the samples are drawn from
  std::vector<pl_sample> samples_;
  std::vector<pl_sample> taken_;
};

} // namespace lab::pool
