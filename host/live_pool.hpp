// The live driver of the pool core: threads, parked waiters, real connections.
//
// While nobody waits, a request takes a connection and gives it back through the core's
// gate, without any lock. Else one mutex makes events out of calls; it is held for the
// core's arithmetic only, never for a connect, a close or a statement. A request that has to wait
// parks until the thread that serves or refuses it wakes it: timeouts, too, are
// decided by the core, so a wait never ends in two ways.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <variant>

#include "db/connection.hpp"
#include "host/clock.hpp"
#include "host/connector.hpp"
#include "host/leak_watch.hpp"
#include "host/place.hpp"
#include "host/pool/pool.hpp"
#include "host/waiting_callers.hpp"

namespace lab::host {

class LivePool;

// A connection held by a request. Whoever holds it gives it back by `give_back`;
// one that is let go without (an exception) counts as failed work.
class Lease { // [the thread that acquired it]
public:
  Lease(Lease &&other) noexcept;
  Lease &operator=(Lease &&) = delete;
  ~Lease();

  db::Connection &connection() { return *connection_; }
  int place() const { return pool::slot_of(id_); } // of the connection: no two have the same
  pool::Duration waited() const { return waited_; }

  // Answers how long it was held. A connection that broke, or was left in a
  // transaction, is closed instead of handed on.
  pool::Duration give_back(bool ok);

private:
  friend class LivePool;
  Lease(LivePool &pool, pool::ConnectionId id, Place &place, db::Connection &connection,
        Place::Mark mark, pool::Duration waited, pool::Time since);

  LivePool *pool_;
  pool::ConnectionId id_;
  Place *place_;
  db::Connection *connection_; // stays the same, though the place may be taken away
  Place::Mark mark_;
  pool::Duration waited_;
  pool::Time since_;
};

struct Refused {
  pool::Refusal why;
  pool::Duration waited;
  std::string detail; // the last connect error or a pause, where that is the cause
  // Its client went away while it waited: nobody is to be told, and `why` says nothing.
  bool caller_gone = false;
};

class LivePool { // [any thread] unless said otherwise
public:
  // `conninfo` is the job role's. Connects nothing before a request needs it.
  LivePool(const Clock &clock, const std::string &conninfo, std::uint64_t seed);
  ~LivePool();

  // Blocks until served or refused, at most until `deadline`. After it, the
  // connection's socket is shut, so that no holder outlives its request. `route`
  // is a literal.
  std::variant<Lease, Refused> acquire(pool::Time deadline, std::string_view route);
  // As above, where the work itself needs `work`: a connection that would come
  // too late for it is not waited for. When `caller` goes away while this waits, it
  // leaves the line within 100 ms, and is counted as cancelled.
  std::variant<Lease, Refused> acquire(pool::Time deadline, std::string_view route,
                                       pool::Duration work, Caller caller = {});

  // ---- [governor] ----
  pl_observation observe(); // its samples stay valid until the next call
  std::vector<pool::WaitingRequest> take_asks();
  bool waits(pool::RequestId request) const;
  void admitted(pool::RequestId request, const pool::Verdict &verdict);
  void follow(const pool::Plan &plan, bool fresh, bool admits);
  // Called, under the pool's lock, when the strategy should be asked soon.
  void on_ask(std::function<void()> ask);

  // How many connects failed since the start, in the order of db::connect_failures.
  using ConnectFailures = std::array<std::uint64_t, db::connect_failures.size()>;

  // A hold that is longer is looked at: what keeps it?
  static constexpr pool::Duration long_hold = std::chrono::milliseconds(1500);

  struct Snapshot {
    pool::Time now;
    pool::Levels levels;
    pool::Duration oldest_wait;
    pool::Counts counts;
    pool::Plan plan;
    std::uint32_t max_open;
    std::string last_connect_error; // with what to do; "" once a connect went well
    ConnectFailures connect_failures;
    LeakWatch::Counts leaks;
    bool paused = false;
    std::uint32_t long_holds = 0; // of those in use
    pool::Duration longest_hold{};
  };
  Snapshot snapshot() const;

  void on_connect(std::function<void(pool::Duration)> observe); // how long each took

  // From now on who holds a connection for `limit` is suspected of leaking it: `told`
  // once, by the time keeper. Zero: nobody is.
  void watch_for_leaks(pool::Duration limit, std::function<void(const SuspectedLeak &)> told);

  // Frees the places of all that are suspected now; answers how many. Their sockets
  // are shut, and what their holders do with them later fails, and matters to nobody.
  std::size_t reclaim_leaks();

  // Paused: nobody is handed a connection, whatever plan is followed; who waits goes on
  // waiting, to its deadline; holders finish. Resumed: who waits is served, in order.
  // False: it was so already.
  bool pause(bool paused);

  // Refuses all waiters, closes idle connections, and after `grace` ends the
  // sockets of those that are still held.
  void shut_down(pool::Duration grace);

private:
  friend class Lease;
  struct Parked;
  // What is to be done once the lock is released.
  struct Afterwards;

  template <class Event> void run(Event event);
  void carry_out_locked(pool::Time now, const pool::Actions &actions, Afterwards &afterwards);
  void carry_out(Afterwards &afterwards);
  void hand_over(Parked &parked, pool::ConnectionId id, pool::Time now, pool::Duration waited);
  void give_back(pool::Time now, const Lease &lease, bool ok);
  Place &place_of(pool::ConnectionId id) { return places_[pool::slot_of(id)]; }
  std::span<Place> used_places() { return {places_.get(), places_used_}; }
  void keep_time(std::stop_token stop);
  void watch_caller(Parked &parked, const pool::Actions &done, pool::Time now, Caller caller);
  void cancel_those_gone();
  void tell_of_leaks();
  bool still_held_locked(const LeakWatch::Leak &leak) const;
  pool::Plan plan_to_follow_locked(bool fresh) const;
  std::variant<Lease, Refused> outcome(Parked &parked);

  const Clock &clock_;

  mutable std::mutex mutex_; // guards all down to `timer_`
  pool::Pool core_;
  const std::unique_ptr<Place[]> places_; // one for each of the pool's; place.hpp says who may
  std::size_t places_used_ = 0;           // the others were never used
  std::unordered_map<pool::ConnectionId, pool::Time> connect_started_;
  std::string last_connect_error_;
  ConnectFailures connect_failures_{};
  bool paused_ = false;
  pool::Plan plan_; // as it was asked for: what is followed once nothing is paused
  bool admits_ = false;
  WaitingCallers callers_;
  LeakWatch leaks_;
  std::function<void(const SuspectedLeak &)> told_of_leak_;
  // Reclaimed, and still in their holders' hands.
  std::unordered_map<pool::ConnectionId, std::unique_ptr<db::Connection>> reclaimed_;
  std::function<void()> ask_;
  std::function<void(pool::Duration)> connect_took_;
  pool::Time shut_holders_at_ = pool::Time::max();
  pool::Time wake_at_ = pool::Time::max();
  pool::Time timer_wakes_ = pool::Time::min(); // when it will look anyway
  std::condition_variable_any timer_;

  std::unique_ptr<Connector> connector_;
  std::jthread time_keeper_;
};

} // namespace lab::host
