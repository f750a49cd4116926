// The pool core: a state machine. Events with a time go in, actions come out.
//
// It knows no clock, no socket, no thread and no SQL. A driver tells it what
// happened (`acquire`, `release`, `connected`, ...) and carries out what it
// says (`connect`, `serve`, `wake_at`, ...). The live driver is
// host/live_pool.hpp; a simulated one can drive the very same code.
//
// [whoever holds the pool] Every function: the driver sees to it that one
// event is done before the next begins.
//
// How a request gets a connection
//   It gets an idle one, the newest first, if `max_in_use` leaves room.
//   Otherwise it waits in line, and a connection given back goes straight to
//   the head of the line, never through the idle list: nobody can barge in.
//   While nobody waits, the core leaves idle connections in the gate (gate.hpp): there
//   they are taken and given back without the pool's lock, by `try_acquire` and
//   `try_release`. Every other event shuts the gate first and opens it last.
//   Connects run in the background. None belongs to a request: it is never
//   undone because a request left, and serves whoever is first when it ends.
//
// What always holds, after every event
//   - a connection has at most one holder;
//   - no idle connection and no waiter together while max_in_use leaves room;
//   - open + connecting never rises above max_open through a connect;
//   - in use never rises above max_in_use through a hand-out;
//   - every request ends exactly once, and none times out before its deadline.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "host/pool/gate.hpp"
#include "host/pool/line.hpp"
#include "host/pool/plan.hpp"
#include "host/pool/slot.hpp"
#include "host/pool/time.hpp"
#include "host/pool/window.hpp"

namespace lab::pool {

// The place that a connection has in the pool: 0 to POOL_LAB_MAX_SIZE - 1, no two at once
// the same, so that a driver can keep what belongs to it in an array.
inline SlotIndex slot_of(ConnectionId connection) {
  return static_cast<SlotIndex>(static_cast<std::uint64_t>(connection) % 1024);
}

// Why a request ended without a connection.
enum class Refusal {
  timed_out,            // its deadline passed while it waited
  rejected,             // the line was full, or the strategy said no
  too_many_connections, // its deadline passed while the server refused connects
  db_unavailable,       // nothing open, and connects fail
  draining              // the host is shutting down
};

// What the driver has to do, in this order.
struct Connect {
  ConnectionId connection;
};
struct Close {
  ConnectionId connection;
};
struct Serve {
  RequestId request;
  ConnectionId connection;
  Duration waited;
};
struct Refuse {
  RequestId request;
  Refusal why;
  Duration waited;
};
struct AskStrategy {}; // the governor should look soon, or ask about `take_asks`
struct WakeAt {
  Time at; // call `tick` then, at the latest; each tick says anew when the next is due
};
using Action = std::variant<Connect, Close, Serve, Refuse, AskStrategy, WakeAt>;
using Actions = std::vector<Action>;

// A strategy's verdict on a waiting request (pl_verdict).
struct Verdict {
  enum class Kind { keep, wait, refuse } kind = Kind::keep;
  bool at_front = false;
  Duration wait{};
};

// A waiting request, as `admit` is shown it.
struct WaitingRequest {
  RequestId request;
  pl_ask shown;
};

class Pool {
public:
  // `seed` draws the samples and the jitter of lifetimes and back-off. At most
  // `most_samples` of a window are kept.
  explicit Pool(std::uint64_t seed, std::uint32_t most_samples = POOL_LAB_MAX_SAMPLES);

  // ---- the two events that need no lock while nobody waits ----

  // The newest idle connection, if the gate is open and one rests there: the event is
  // over, as by `acquire` and its `Serve`. Nothing: tell `acquire`. [any thread]
  std::optional<ConnectionId> try_acquire(Time now, RequestId request, Time deadline,
                                          std::string_view route);
  // Given back fit to be used again, its work done well, through the gate. False: tell
  // `release`, with the same `now` or later. [its holder]
  bool try_release(Time now, ConnectionId connection);

  // ---- events ----

  // A request wants a connection, until `deadline`, its own. `route` is shown to
  // `admit`; its characters must outlive the pool (a literal).
  void acquire(Time now, RequestId request, Time deadline, std::string_view route, Actions &out);
  // A holder gives its connection back, fit to be used again. `ok`: its work went well.
  void release(Time now, ConnectionId connection, bool ok, Actions &out);
  // A connection is of no more use: while held (its request has failed), or at rest.
  void broke(Time now, ConnectionId connection, Actions &out);
  // The connection just served was dead already: its request goes back to the
  // head of the line, its deadline unchanged.
  void dead_at_checkout(Time now, ConnectionId connection, Actions &out);
  void connected(Time now, ConnectionId connection, Actions &out);
  void connect_failed(Time now, ConnectionId connection, bool too_many, Actions &out);
  // Its client has gone. False: it does not wait any more, and was told so by another action.
  bool cancel(Time now, RequestId request, Actions &out);
  // A late verdict, on a request that waits no more, is ignored: so a request's id must not be
  // given to another soon.
  void admitted(Time now, RequestId request, const Verdict &verdict, Actions &out);
  // `fresh`: from another strategy than the plan before, or from other settings, so that
  // nothing of the old highest max_in_use is remembered. `admits`: whether to fill `take_asks`.
  void follow(Time now, const Plan &plan, bool fresh, bool admits, Actions &out);
  void tick(Time now, Actions &out);
  // From now on nobody is served; waiters are refused, connections close.
  void shut_down(Time now, Actions &out);

  // ---- what the governor and the page look at ----

  const Plan &plan() const { return plan_; }
  std::uint32_t max_open() const;
  Levels levels() const;
  Duration oldest_wait(Time now) const;
  Counts counts(Time now) const;
  // Closes the window. All but the server's numbers and `random` are filled in.
  pl_observation observe(Time now);
  // Waiting requests that the strategy has not been asked about yet.
  std::vector<WaitingRequest> take_asks(Time now);
  bool waits(RequestId request) const { return line_.find(request) != nullptr; }

private:
  enum class Trouble { none, too_many, down };

  void shut_gate();
  void open_gate();
  void settle(Time now, Actions &out);
  void expire(Time now, Actions &out);
  void serve_waiters(Time now, Actions &out);
  void retire_idle(Time now, Actions &out);
  void start_connects(Time now, Actions &out);
  void announce_wake(Time now, Actions &out);

  void hand_out_idle(Time now, const Waiter &waiter, Actions &out);
  void turn_away(Time now, const Waiter &waiter, Refusal why, Outcome how, Actions &out);
  void refuse(Time now, const Waiter &waiter, Refusal why, Outcome how, Actions &out);
  void refuse_all(Time now, Refusal why, Actions &out);
  Slot *find(ConnectionId connection, Slot::State state);
  Slot *find_held(ConnectionId connection);
  Slot &slot_at(SlotIndex index) const { return slots_[index]; }
  Duration end_hold(Time now, Slot &slot, bool well);
  void rest(Time now, Slot &slot);
  void close_idle(std::size_t place, Actions &out);
  void close(Slot &slot, Actions &out);
  void vacate(Slot &slot);
  std::uint32_t in_use() const;
  std::uint32_t size() const { return open_ + connecting_; }
  Served served(Time now) const;
  std::uint32_t free_room(Time now) const;
  Refusal why_timed_out(const Waiter &waiter) const;

  Plan plan_;
  bool admits_ = false;
  bool shut_ = false;
  Window window_;
  mutable Duration in_use_time_told_{}; // it never falls
  Random random_;

  const std::unique_ptr<Slot[]> slots_; // POOL_LAB_MAX_SIZE
  std::vector<SlotIndex> free_;         // those that are empty and were used before
  std::uint32_t slots_used_ = 0;        // the others were never used
  std::uint64_t last_connection_ = 0;
  std::uint32_t open_ = 0;
  std::uint32_t connecting_ = 0;
  // At rest outside the gate, oldest first; the newest, at the back, is handed out.
  // While the gate is open: those that max_in_use leaves no room for.
  std::vector<SlotIndex> idle_;
  Gate<> gate_;
  std::atomic<Duration::rep> wait_timeout_; // the plan's, for try_acquire

  Line line_;

  // The highest max_in_use of the last idle_timeout: falling values, the one in force
  // last, each with when it was last in force.
  struct High {
    std::uint32_t max_in_use;
    Time until;
  };
  std::deque<High> highest_;

  // After a failed connect: one prober, with growing pauses; then 1, 2, 4, ... at once. Also
  // when a connection breaks: the server may be gone, and a rush would only find that out.
  Trouble trouble_ = Trouble::none;
  Trouble last_error_ = Trouble::none;
  Time last_error_at_{};
  Time connect_after_{};
  Duration pause_{};
  std::uint32_t connects_allowed_ = POOL_LAB_MAX_SIZE;

  // In this event: nobody may wait by the plan, and a connection more would have served the
  // newcomer.
  bool missed_one_ = false;

  Time next_sweep_{}; // when idle connections are next looked over for their age
  Time wake_announced_ = Time::max();
};

} // namespace lab::pool
