// What happened since a moment: gauges, counts, durations and samples.
//
// The pool notes into it; the governor takes it out at each look. Cumulative
// counts live on beside the window, for metrics and for the page. What goes through
// the gate is counted in the slots (slot.hpp), and comes in as `Served`.
// [whoever holds the pool] unless said otherwise
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
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

// What the slots have counted since the host's start; least and most are of this window.
// A hold that ended well was served.
struct Served {
  std::uint64_t through_the_gate = 0; // hand-outs without a wait, of which no event tells
  std::uint64_t served = 0;
  Duration hold_sum{};
  Duration hold_least = Duration::max();
  Duration hold_most{};
  Duration in_use_time{}; // of all holds, also of those under way
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
    reached(level, level);
  }
  // It was as low and as high as that meanwhile.
  void reached(std::uint32_t low, std::uint32_t high) {
    low_ = std::min(low_, low);
    high_ = std::max(high_, high);
  }
  double area() const { return area_; } // level times nanoseconds
  pl_gauge shown(Duration window, double area) const {
    const double mean =
        window.count() > 0 ? area / static_cast<double>(window.count()) : static_cast<double>(now_);
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
  // Keeps at most `most_samples` of a window.
  Window(std::uint64_t seed, std::uint32_t most_samples);

  // The levels after an event.
  void levels(Time now, const Levels &now_are);
  // Since the event before, the gate was open: so few and so many of `open` rested.
  void gate_was_open(std::uint32_t open, std::uint32_t fewest_idle, std::uint32_t most_idle);

  void asked() { ++counts_.asked; }
  // A wait ended with a hand-out. The request goes on.
  void handed_out(Duration wait);
  // A request that was served is over; `draw` is its hold's. The slot has counted it.
  void ended_well(Time asked, Duration wait, Duration hold, std::uint64_t draw);
  // Any other is over. `hold` is zero for those that never got a connection.
  void ended(Outcome how, Time asked, Duration wait, Duration hold);
  void connected(Duration took);
  void connect_failed(bool too_many);
  void closed() { ++counts_.closed; }

  // Which window it is, for the slots' accounts. [any thread]
  std::uint32_t number() const { return number_.load(std::memory_order_relaxed); }
  // A number for a hold, which has nothing to do with how it was. [any thread]
  static std::uint64_t draw_for(std::uint64_t connection, std::uint64_t hold);
  // Whether a request with that draw is to be told, for the sample. [any thread]
  bool samples(std::uint64_t draw) const {
    return draw < sampled_below_.load(std::memory_order_relaxed);
  }

  // Up to `now`, without what `Served` has.
  Counts counts_until(Time now) const;

  // Closes the window at `now`, of which `levels` was told, and starts the next. Fills in all but
  // `plan`, the server's numbers and `random`. The samples stay valid until the next call.
  pl_observation take(Time now, Duration oldest_wait, const Served &served);

private:
  static void add(pl_total &total, Duration d);
  void sample(const pl_sample &one, std::uint64_t draw);

  const std::uint32_t most_samples_;
  std::uint64_t draws_;
  std::atomic<std::uint32_t> number_{1};
  // A request is sampled when its draw is below this. Whenever there are too many, it is
  // halved, and those that are not below it any more are dropped. So each request of a
  // window has the same chance, and most of a busy one need not be told at all.
  std::atomic<std::uint64_t> sampled_below_;

  Time started_{};
  Time last_{};
  Counts counts_;
  Counts at_start_;
  Served served_at_start_;
  Levels now_;
  std::array<Gauge, 5> gauges_; // open, idle, in use, connecting, waiting
  std::array<pl_total, outcomes> wait_{};
  std::array<pl_total, outcomes> hold_{};
  pl_total connect_time_{};
  Duration longest_wait_{};
  struct Sampled {
    pl_sample sample;
    std::uint64_t draw;
  };
  std::vector<Sampled> samples_;
  std::vector<pl_sample> taken_;
};

} // namespace lab::pool
