// One place for a connection, and the account of what was done with it.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "host/pool/time.hpp"

namespace lab::pool {

enum class RequestId : std::uint64_t {};
enum class ConnectionId : std::uint64_t {}; // never used twice

// The holds of one slot's connection.
struct Holds {
  std::uint64_t begun = 0;
  std::uint64_t ended = 0;
  Duration sum{};   // of those that ended
  Time since{};     // when the one under way began, or the connection came to rest
  Duration least{}; // of those that ended well in the window asked for; max() if none did
  Duration most{};

  bool under_way() const { return begun > ended; }
};

// Counts holds. Who holds the connection writes, alone, and without the pool's lock; the
// core reads at any time. So these are atomics with one writer at a time, which cost no
// more than plain stores, and a turn by which a reader sees that it read across a write
// (a sequence lock; every access is ordered, so it needs no fence).
class HoldAccount {
public:
  // [the holder]
  void begin(Time now) {
    const Turn turn(*this);
    put(since_, now.time_since_epoch().count());
    put(begun_, get(begun_) + 1);
  }
  // [the holder] Answers how long it was held. `window` numbers the one that it counts in;
  // only what ended well counts for least and most.
  Duration end(Time now, std::uint32_t window, bool well) {
    const Turn turn(*this);
    const auto at = now.time_since_epoch().count();
    const auto took = at - get(since_);
    if (well) {
      const bool first = get(window_) != window;
      if (first || took < get(least_))
        put(least_, took);
      if (first || took > get(most_))
        put(most_, took);
      if (first)
        put(window_, window);
    }
    put(sum_, get(sum_) + took);
    put(last_, took);
    put(since_, at);
    put(ended_, get(ended_) + 1);
    return Duration(took);
  }
  // Comes to rest now. [pool lock held, nobody holds]
  void rest(Time now) {
    const Turn turn(*this);
    put(since_, now.time_since_epoch().count());
  }

  // [the holder, or nobody holds]
  bool under_way() const { return get(begun_) > get(ended_); }
  std::uint64_t ended() const { return get(ended_); }
  Duration last() const { return Duration(get(last_)); } // how long the last hold was
  Time since() const { return Time(Duration(get(since_))); }

  // [any thread] All of it, as it was at one moment. (A writer that is stopped in
  // mid-write is not waited for: then one hold may be half in.)
  Holds read(std::uint32_t window) const {
    Holds holds;
    for (int attempt = 0; attempt < 100; ++attempt) {
      const auto before = get(turn_);
      holds.begun = get(begun_);
      holds.ended = get(ended_);
      holds.sum = Duration(get(sum_));
      holds.since = since();
      const bool in_window = get(window_) == window;
      holds.least = in_window ? Duration(get(least_)) : Duration::max();
      holds.most = in_window ? Duration(get(most_)) : Duration::zero();
      if (before % 2 == 0 && get(turn_) == before)
        break;
    }
    return holds;
  }

private:
  template <class T> static T get(const std::atomic<T> &from) {
    return from.load(std::memory_order_acquire);
  }
  template <class T> static void put(std::atomic<T> &to, T value) {
    to.store(value, std::memory_order_release);
  }
  struct Turn { // odd while something is written
    explicit Turn(HoldAccount &a) : account(a) { put(a.turn_, get(a.turn_) + 1); }
    ~Turn() { put(account.turn_, get(account.turn_) + 1); }
    HoldAccount &account;
  };

  std::atomic<std::uint32_t> turn_{0};
  std::atomic<std::uint32_t> window_{0};
  std::atomic<std::uint64_t> begun_{0};
  std::atomic<std::uint64_t> ended_{0};
  std::atomic<Duration::rep> since_{0};
  std::atomic<Duration::rep> sum_{0};
  std::atomic<Duration::rep> last_{0};
  std::atomic<Duration::rep> least_{0};
  std::atomic<Duration::rep> most_{0};
};

struct alignas(64) Slot {
  enum class State : std::uint8_t { empty, connecting, open };

  HoldAccount account; // of all connections that ever had this place

  // [the holder]
  RequestId holder{};
  Time asked{};
  Time deadline{};
  std::string_view route;
  Duration waited{};
  // Its hold has ended, but the gate was shut when it came: the core has yet to take it.
  bool came_late = false;

  // Of the connection that is in it. [pool lock held]
  State state = State::empty;
  ConnectionId connection{};
  Time connect_began{};
  Time retires{}; // max_lifetime, jittered

  // Sums like the account's. [pool lock held]
  std::uint64_t handed_out_in_line = 0; // by the core itself, not through the gate
  std::uint64_t not_served = 0;         // holds that ended otherwise than well
  Duration not_served_time{};
};

} // namespace lab::pool
