// adaptive: finds the number of connections by watching how long requests hold one.
//
// Does: while holds stay about as short as they are on a quiet database, more
//   connections mean more work done, so the limit rises. When holds grow with the
//   limit, the requests are in each other's way, and it falls. Every window:
//     gradient = clamp(tolerance * quiet hold / mean hold, 0.5, 2)
//     limit    = limit * gradient + sqrt(limit)
//   The root is the room to try more; at a gradient of 1 - 1/sqrt(limit) it rests.
// Shines: loads that change, or that nobody has measured.
// Fails: where it can't see. Holds of seconds give it too little to go by, and
//   where short and long requests mix, their mean says little of either.
// Formula: Envoy's gradient controller (adaptive concurrency filter). Two things
//   differ. Envoy finds the quiet value by going down to 3 now and then; with long
//   holds that starves everybody. Here the probe halves the limit, and goes on
//   only while halving makes holds much shorter. And nothing is probed while
//   nobody waits: then the load sets the number, and not the limit.
#include <cmath>

#include "pool_lab/strategy.hpp"

using namespace pool_lab;

namespace {

// Half the connections, and holds still longer than this share of before: they
// were not in each other's way. In between lies the top of the throughput curve.
constexpr double much_shorter = 0.8;
// The load is another one when holds leave this range around the quiet one.
constexpr double changed_down = 0.6;
constexpr double changed_up = 2; // times the tolerance: where the gradient is at its lowest
// A probe that finds holds somewhat longer than ever has met noise or a slow drift:
// then the quiet hold is forgotten slowly, or noise would lift it step by step.
constexpr double forget = 1.1;
// A mean over fewer is noise. Windows are joined until there are as many, or for a second.
constexpr unsigned enough = 5;
constexpr Duration long_enough = 1_s;
// Between two probes; twice as long after each that found nothing new.
constexpr Duration soon = 2_s;
constexpr Duration late = 4_s;

double clamp(double x, double low, double high) {
  return x < low ? low : x > high ? high : x;
}

// Holds that ended, over one or more windows.
struct Holds {
  unsigned long count = 0;
  double sum = 0;  // ms
  Duration over{}; // how long it took to collect them

  void add(const Observation &seen) {
    count += seen.hold[PL_SERVED].count;
    sum += Duration{seen.hold[PL_SERVED].sum}.milliseconds();
    over = over + seen.since_last_look();
  }
  // A hold of no time at all would make the gradient endless.
  double mean() const {
    const double ms = sum / static_cast<double>(count);
    return ms > 0.001 ? ms : 0.001;
  }
};

} // namespace

struct Adaptive {
  int start = 8;
  int floor = 2;
  int max = 60;
  int headroom = 10;
  double tolerance = 1.25;
  Duration wait = 2_s;
  int queue = 500;
  Duration window = 150_ms;

  void params(Params &p) {
    p.add("start", start, 1, 1000, "connections to begin with");
    p.add("floor", floor, 1, 100, "connections, at least");
    p.add("max", max, 1, 1000, "connections, at most");
    p.add("headroom", headroom, 0, 100, "connections of the server that are left to others");
    p.add("tolerance", tolerance, 1, 3, "how many times the quiet hold is still fine");
    p.add("wait_ms", wait, 0_ms, 60_s, "how long a request may wait for a connection");
    p.add("max_waiting", queue, 0, 1000, "requests that may wait; more are refused at once");
    p.add("window_ms", window, 50_ms, 1000_ms, "time between two looks");
  }

  Plan look(const Observation &seen) {
    if (limit == 0)
      limit = start;
    last_limit = limit;
    cap = room_on_the_server(seen);
    holds.add(seen);
    if (seen.connects_refused > 0)
      back_off(seen);
    else if (probing)
      go_on_probing(seen);
    else if (holds.count >= enough || holds.over >= long_enough)
      decide(seen);
    limit = clamp(limit, lowest(), cap);
    return plan();
  }

  // "in full use, holds are short: hold 52.1 ms, quiet 50.0 ms: 16 -> 24"
  void explain(Line &line) {
    line << reason << ": hold " << last_mean << " ms, quiet " << quiet
         << " ms: " << whole(last_limit) << " -> " << whole(limit);
  }

private:
  // ---- one window ----

  void decide(const Observation &seen) {
    const Holds window_holds = holds;
    holds = {};
    crowded = seen.waiting.low > 0 ? crowded + 1 : 0;
    if (window_holds.count == 0) {
      reason = "no hold ended";
      return;
    }
    const double mean = last_mean = window_holds.mean();
    if (quiet == 0)
      quiet = confirmed = mean;
    // Against what was confirmed: the quiet hold itself follows each window down,
    // and a window that saw both loads would hide the change from the next.
    const bool shorter = mean < changed_down * confirmed;
    longer = mean > changed_up * tolerance * quiet ? longer + 1 : 0;
    if (mean < quiet)
      quiet = mean;
    if (crowded >= 2 && (shorter || longer >= 2 || seen.time() - last_probe >= probe_every)) {
      start_probe(seen, mean);
      return;
    }
    step(seen, mean);
  }

  // Envoy's law. It grows only when the limit was reached: an unused limit
  // would grow without end, and tell nothing.
  void step(const Observation &seen, double mean) {
    const double gradient = clamp(tolerance * quiet / mean, 0.5, 2);
    const double wanted = limit * gradient + std::sqrt(limit);
    if (seen.in_use.high >= whole(limit)) {
      reason = wanted >= limit ? "in full use, holds are short" : "holds are long";
      limit = wanted;
      return;
    }
    // Let down slowly what nobody uses, so that a change of load finds it near
    // what was needed.
    const double used = seen.in_use.high;
    const double needed = used + 2 * std::sqrt(used);
    reason = "more than is used";
    limit = clamp(limit * 0.95, clamp(needed, 0, limit), clamp(wanted, 0, limit));
  }

  // ---- the probe: is the quiet hold still what we think? ----

  void start_probe(const Observation &seen, double mean) {
    probing = true;
    before = limit;
    levels = 0;
    halve(seen, mean);
  }

  void halve(const Observation &seen, double mean) {
    hold_above = mean;
    limit = clamp(limit / 2, lowest(), cap);
    probe_since = seen.time();
    ++levels;
    settled = false;
    holds = {};
    reason = "probing with half";
  }

  void go_on_probing(const Observation &seen) {
    reason = "probing with half";
    // Requests that began under the higher limit must have ended first.
    const Duration waited = seen.time() - probe_since;
    if (!settled) {
      settled = waited >= Duration::from_milliseconds(hold_above) || waited >= long_enough;
      holds = {};
      return;
    }
    if (holds.count < enough && holds.over < long_enough)
      return;
    const Holds measured = holds;
    holds = {};
    if (measured.count == 0)
      return end_probe(seen, before);
    const double mean = last_mean = measured.mean();
    quiet = mean;
    // Not much shorter: the level above did no worse, and has the more work done.
    if (mean >= much_shorter * hold_above)
      end_probe(seen, levels == 1 ? before : 2 * limit);
    else if (whole(limit) <= whole(lowest()))
      end_probe(seen, limit);
    else
      halve(seen, mean);
  }

  void end_probe(const Observation &seen, double go_on_with) {
    if (quiet > forget * confirmed && quiet < changed_up * confirmed)
      quiet = forget * confirmed;
    const bool news = quiet < 0.75 * confirmed || quiet > confirmed / 0.75;
    const Duration longer_pause = probe_every * 2 < late ? probe_every * 2 : late;
    probe_every = news ? soon : longer_pause;
    last_probe = seen.time();
    confirmed = quiet;
    probing = false;
    longer = 0;
    crowded = 0;
    limit = go_on_with;
    reason = "probed";
  }

  // ---- limits of the limit ----

  double lowest() const { return floor < cap ? floor : cap; }

  // What the server leaves to this pool, so that a neighbour always gets in.
  double room_on_the_server(const Observation &seen) const {
    double room = max;
    if (seen.server_max_connections > 0)
      room = clamp(static_cast<double>(seen.server_max_connections) - seen.server_reserved -
                       seen.server_others - headroom,
                   1, max);
    return room;
  }

  // The server is full though its numbers did not say so: leave it some room.
  void back_off(const Observation &seen) {
    const double open = seen.open.now;
    limit = clamp(0.8 * (open < limit ? open : limit), 0, limit);
    probing = false;
    holds = {};
    reason = "the server is full";
  }

  Plan plan() const {
    Plan plan;
    plan.max_in_use = whole(limit);
    // As automatic, but what the server needs back is closed at once.
    plan.max_open = cap < max ? whole(cap) : Plan::automatic;
    plan.max_connecting = 6;
    plan.max_waiting = static_cast<unsigned>(queue);
    plan.wait_timeout = wait;
    plan.next_look = probing ? probe_window() : window;
    return plan;
  }

  // A probe costs room, so it is as short as the holds allow.
  Duration probe_window() const {
    const Duration one_hold = Duration::from_milliseconds(hold_above);
    return one_hold < 50_ms ? 50_ms : one_hold > window ? window : one_hold;
  }

  static unsigned whole(double x) { return static_cast<unsigned>(std::lround(x)); }

  double limit = 0;      // connections; a fraction is progress to the next one
  double quiet = 0;      // ms, the mean hold on a quiet database; 0 until one is known
  double cap = 1;        // connections
  double last_mean = 0;  // ms
  double last_limit = 0; // connections
  int crowded = 0;       // windows in a row in which somebody always waited
  int longer = 0;        // windows in a row with holds far longer than ever
  Holds holds;

  bool probing = false;
  bool settled = false;
  int levels = 0;        // halvings so far
  double before = 0;     // the limit to go back to
  double hold_above = 0; // ms, mean at twice the limit
  double confirmed = 0;  // ms, the quiet hold as the last probe left it
  Duration probe_since{};
  Duration last_probe{};
  Duration probe_every = soon;

  const char *reason = "start";
};

POOL_LAB_STRATEGY(Adaptive,
                  "finds its size by itself: up while holds stay short, down when they grow");
