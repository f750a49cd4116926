// A small model of the pool and a load, for tests of strategies: one real
// strategy library against requests that are only numbers. No clock, no sleep;
// a run depends on its seed alone. [one thread]
//
// It keeps what control laws live on (waiting, hand-out, time to connect, the
// window's sums) and leaves out what they don't see. The pool core's own
// simulator is the exact one.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <queue>
#include <random>
#include <vector>

#include "plugins/loader/library.hpp"

namespace lab::plugin {

// Seconds here, as everywhere in the model.
struct Load {
  double rate = 0; // open: requests a second that come whatever happens
  int users = 0;   // closed: each asks again as soon as it is answered
  // How long a request holds its connection, when `in_use` hold one with it.
  std::function<double(unsigned in_use, std::mt19937_64 &random)> hold;
  unsigned server_others = 1;
};

// What happened in one tenth of a second.
struct Slice {
  unsigned asked = 0;
  unsigned ended = 0; // holds
  unsigned timed_out = 0;
  unsigned refused = 0;
  unsigned limit = 0; // the plan's max_in_use, at its end
  unsigned in_use = 0;
};

class PoolModel {
public:
  PoolModel(Instance &strategy, std::uint64_t seed);

  // Requests of an earlier load that wait or hold a connection end as they would.
  void run(const Load &load, double seconds);

  const std::vector<Slice> &slices() const { return slices_; }
  unsigned highest_limit() const { return highest_limit_; }
  unsigned highest_open() const { return highest_open_; }

private:
  enum class Kind { ask, end, connected, look, phase_end };
  struct Event {
    double at;
    std::uint64_t order; // of equal times, the first made comes first
    Kind kind;
    std::uint64_t load; // the number of the load that it belongs to
    double hold;
    bool operator>(const Event &other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };
  struct Waiter {
    double asked;
    std::uint64_t load;
  };

  void push(double at, Kind kind, double hold = 0, std::uint64_t load = 0);
  void advance_to(double at);
  void handle(const Event &event);
  void ask(std::uint64_t load);
  void expire_waiters();
  void serve_waiters();
  void connect_for_waiters();
  void look();
  Slice &slice();

  Instance &strategy_;
  std::mt19937_64 random_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t made_ = 0;
  double now_ = 0;

  Load load_;
  std::uint64_t load_number_ = 0;
  pl_plan plan_ = default_plan();
  std::deque<Waiter> waiting_;
  unsigned idle_ = 0, in_use_ = 0, connecting_ = 0;

  struct Gauge { // over the window
    unsigned low = 0, high = 0;
    double area = 0;
  };
  Gauge waiting_gauge_, in_use_gauge_, idle_gauge_, open_gauge_, connecting_gauge_;
  void track(Gauge &gauge, unsigned value, double span);
  pl_gauge shown(const Gauge &gauge, unsigned now, double window) const;
  void track_all(double span);
  pl_observation window_{}; // sums of the window so far
  double last_look_ = 0;

  std::vector<Slice> slices_;
  unsigned highest_limit_ = 0, highest_open_ = 0;
};

} // namespace lab::plugin
