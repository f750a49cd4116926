// A random schedule: one pool, told one random event after another, with the books
// checked after each. Everything comes from the seed, so a seed is a replay.
//
// A schedule has a mood (how often what happens, how large the plans are, how fast
// time goes), so that states which need many events of one sort are reached, too: a
// long outage, a pool that only shrinks, a line that nobody serves. At its end all
// calms down, and the pool must serve again with all it may have: nothing was lost.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "host/pool/pool.hpp"
#include "host/pool/simulation/books.hpp"
#include "host/pool/simulation/coverage.hpp"
#include "host/pool/simulation/event.hpp"

namespace lab::pool::simulation {

class Schedule { // [one thread]
public:
  Schedule(std::uint64_t seed, int events);

  // Runs it. "" or the first promise that was broken, one line. What met what is
  // added to `coverage`; each event and action is appended to `trace`, if given.
  std::string run(Coverage &coverage, std::string *trace = nullptr);

  int events_told() const { return told_; }

private:
  bool tell(const Event &event); // false: a promise is broken
  bool let_time_pass();
  Event next();
  bool fill_in(Event &event);
  Event calm_plan();
  bool calm_down();
  void draw_mood();
  Plan some_plan();
  Duration some_time();
  int below(int bound) {
    return static_cast<int>(random_.below(static_cast<std::uint64_t>(bound)));
  }
  bool one_in(int n) { return below(n) == 0; }
  template <class T> T any(const std::vector<T> &of) { return of[random_.below(of.size())]; }

  Random random_;
  const int events_;
  const std::uint32_t most_samples_;

  struct {
    std::array<int, kinds> weights{};
    int all_weights = 0;
    int largest = 4;      // plans ask for this many at most
    Duration scale{};     // of the steps of time
    bool punctual = true; // ticks come when the pool asked for them
    bool shuts_down = false;
  } mood_;

  Plan plan_;
  Pool pool_;
  Books books_;
  Told told_now_;
  Time now_{};
  std::uint64_t last_request_ = 0;
  int told_ = 0;
  std::string broken_;
  Coverage *coverage_ = nullptr;
  std::string *trace_ = nullptr;
};

} // namespace lab::pool::simulation
