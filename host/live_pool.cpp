#include "host/live_pool.hpp"

#include <algorithm>
#include <utility>

namespace lab::host {
namespace {

using pool::Duration;
using pool::Time;

// The time keeper looks at least this often: holders past their deadline are
// found then, and a deadline further away needs no wake-up of its own.
constexpr Duration beat = std::chrono::milliseconds(50);

// A connection that was in use so lately is handed on without a look at its socket, which
// costs a system call; should it have died since, its request finds out.
constexpr Duration fresh = std::chrono::milliseconds(1);

} // namespace

// A request while it deals with the pool. One for each thread, kept for the
// thread's life, so that a late wake-up never touches freed memory. A thread has
// one request at a time; its RequestId is this address and, above it, the how
// many-th of the thread it is: a late verdict on the one before must not meet it.
struct LivePool::Parked {
  std::atomic<std::uint32_t> decided{0};
  Time deadline{};
  const char *route = "";
  bool served = false;
  pool::ConnectionId id{};
  Place *place = nullptr;
  db::Connection *connection = nullptr;
  pool::Refusal why{};
  bool caller_gone = false;
  Duration waited{};
  Duration rested{}; // of the connection that it got
  Place::Mark mark{};
  Time served_at{};
  std::uint64_t turn = 0;

  // Addresses of a process take no more, on all that this runs on.
  static constexpr int address_bits = 48;
  static_assert(sizeof(std::uintptr_t) == sizeof(std::uint64_t));

  void begin() {
    ++turn;
    reset();
  }
  void reset() {
    decided.store(0, std::memory_order_relaxed);
    caller_gone = false;
  }
  void wait() {
    while (decided.load(std::memory_order_acquire) == 0)
      decided.wait(0, std::memory_order_acquire);
  }
  void decide() {
    // In one order with notify_one's look for waiters: else it may miss one that just came.
    decided.store(1, std::memory_order_seq_cst);
    decided.notify_one();
  }
  pool::RequestId request() const {
    return static_cast<pool::RequestId>(turn << address_bits |
                                        reinterpret_cast<std::uintptr_t>(this));
  }
  static Parked &of(pool::RequestId request) {
    return *reinterpret_cast<Parked *>(static_cast<std::uintptr_t>(request) &
                                       ((std::uintptr_t{1} << address_bits) - 1));
  }
  static Parked &mine() {
    thread_local Parked parked;
    return parked;
  }
};

struct LivePool::Afterwards {
  std::vector<Parked *> wake;
  std::vector<std::unique_ptr<db::Connection>> close;
  std::vector<pool::ConnectionId> connect;
  bool wake_time_keeper = false;

  void clear() {
    wake.clear();
    close.clear();
    connect.clear();
    wake_time_keeper = false;
  }
};

// ---- requests ----------------------------------------------------------------

std::variant<Lease, Refused> LivePool::acquire(Time deadline, std::string_view route) {
  return acquire(deadline, route, Duration::zero());
}

std::variant<Lease, Refused> LivePool::acquire(Time deadline, std::string_view route, Duration work,
                                               Caller caller) {
  Parked &parked = Parked::mine();
  parked.begin();
  parked.deadline = deadline;
  parked.route = route.data(); // a literal, so it ends with a zero
  const Time now = clock_.now();
  if (const auto id = core_.try_acquire(now, parked.request(), deadline - work, route)) {
    hand_over(parked, *id, now, Duration::zero());
  } else {
    run([&](Time then, pool::Actions &out) {
      core_.acquire(then, parked.request(), deadline - work, route, out);
      watch_caller(parked, out, then, caller);
    });
    parked.wait();
  }
  // A connection can have died while it rested. Then its place at the head of
  // the line is this request's again, and its deadline is what it was.
  while (parked.served && parked.rested > fresh && !parked.connection->alive()) {
    parked.reset();
    const pool::ConnectionId dead = parked.id;
    std::unique_ptr<db::Connection> reclaimed;
    run([&](Time now, pool::Actions &out) {
      if (place_of(dead).has(dead))
        core_.dead_at_checkout(now, dead, out);
      else { // reclaimed from a thread that stood still so long: it asks anew
        reclaimed = std::move(reclaimed_.extract(dead).mapped());
        core_.acquire(now, parked.request(), deadline - work, route, out);
      }
      watch_caller(parked, out, now, caller);
    });
    if (reclaimed)
      connector_->close(std::move(reclaimed));
    parked.wait();
  }
  return outcome(parked);
}

std::variant<Lease, Refused> LivePool::outcome(Parked &parked) {
  if (parked.served)
    return Lease(*this, parked.id, *parked.place, *parked.connection, parked.mark, parked.waited,
                 parked.waited > Duration::zero() ? clock_.now() : parked.served_at);
  Refused refused{parked.why, parked.waited, {}, parked.caller_gone};
  if (refused.caller_gone)
    return refused;
  if (refused.why == pool::Refusal::db_unavailable ||
      refused.why == pool::Refusal::too_many_connections) {
    const std::lock_guard lock(mutex_);
    refused.detail = last_connect_error_;
  } else if (refused.why == pool::Refusal::timed_out) {
    const std::lock_guard lock(mutex_);
    refused.detail = paused_ ? "the pool is paused" : "";
  }
  return refused;
}

void LivePool::give_back(Time now, const Lease &lease, bool ok) {
  const pool::ConnectionId id = lease.id_;
  Place &place = *lease.place_;
  const bool clean = lease.connection_->clean();
  const bool fit = place.let_go(now, lease.mark_) && clean;
  if (fit && ok && core_.try_release(now, id))
    return;
  std::unique_ptr<db::Connection> reclaimed;
  run([&](Time then, pool::Actions &out) {
    if (!place.has(id)) { // reclaimed: to the core it broke long ago
      reclaimed = std::move(reclaimed_.extract(id).mapped());
      return;
    }
    place.end_hold();
    if (fit)
      core_.release(then, id, ok, out);
    else
      core_.broke(then, id, out);
  });
  if (reclaimed)
    connector_->close(std::move(reclaimed));
}

// ---- clients that go away -----------------------------------------------------

// After an event that may have put this request in line: only who was not served
// or refused at once is looked after. [lock held]
void LivePool::watch_caller(Parked &parked, const pool::Actions &done, Time now, Caller caller) {
  const pool::RequestId request = parked.request();
  for (const pool::Action &action : done) {
    const auto *serve = std::get_if<pool::Serve>(&action);
    const auto *refuse = std::get_if<pool::Refuse>(&action);
    if ((serve != nullptr && serve->request == request) ||
        (refuse != nullptr && refuse->request == request))
      return;
  }
  callers_.add(request, caller, now);
}

void LivePool::cancel_those_gone() {
  std::vector<WaitingCallers::Wait> waits;
  {
    const std::lock_guard lock(mutex_);
    waits = callers_.all();
  }
  const auto gone = WaitingCallers::gone_of(std::move(waits)); // not under the lock
  if (gone.empty())
    return;
  std::vector<Parked *> cancelled;
  run([&](Time now, pool::Actions &out) {
    for (const WaitingCallers::Wait &wait : gone) {
      // Served or refused since; or its time is up at this very moment, and `out` tells it so.
      if (!callers_.end(wait) || !core_.cancel(now, wait.request, out))
        continue;
      Parked &parked = Parked::of(wait.request);
      parked.served = false;
      parked.caller_gone = true;
      parked.waited = now - wait.since;
      cancelled.push_back(&parked);
    }
  });
  for (Parked *parked : cancelled)
    parked->decide();
}

// ---- leaks -------------------------------------------------------------------

void LivePool::watch_for_leaks(Duration limit, std::function<void(const SuspectedLeak &)> told) {
  const std::lock_guard lock(mutex_);
  leaks_.suspect_after(limit);
  told_of_leak_ = std::move(told);
}

bool LivePool::still_held_locked(const LeakWatch::Leak &leak) const {
  const Place &place = places_[pool::slot_of(leak.first)];
  const auto holder = place.has(leak.first) ? place.holder() : std::nullopt;
  return holder && holder->since == leak.second.since;
}

void LivePool::tell_of_leaks() {
  std::vector<SuspectedLeak> found;
  std::function<void(const SuspectedLeak &)> told;
  {
    const std::lock_guard lock(mutex_);
    const Time now = clock_.now();
    leaks_.keep_if([&](const auto &leak) { return still_held_locked(leak); });
    for (Place &place : used_places()) {
      const auto holder = place.empty() ? std::nullopt : place.holder();
      if (!holder || !leaks_.suspicious(now - holder->since))
        continue;
      const SuspectedLeak leak{holder->route, holder->since, place.connection().backend_pid()};
      if (leaks_.suspect(place.id(), leak))
        found.push_back(leak);
    }
    told = told_of_leak_;
  }
  if (told)
    for (const SuspectedLeak &leak : found)
      told(leak);
}

std::size_t LivePool::reclaim_leaks() {
  std::size_t count = 0;
  run([&](Time now, pool::Actions &out) {
    for (const auto &[id, leak] : leaks_.take()) {
      Place &place = place_of(id);
      if (!place.has(id) || !place.cut_off_since(leak.since))
        continue; // given back since, and perhaps another's by now
      // Kept for its holder, who may be using it at this moment. The core's Close
      // finds nothing here any more.
      reclaimed_.emplace(id, place.take_out());
      core_.broke(now, id, out);
      ++count;
    }
    leaks_.reclaimed(count);
  });
  return count;
}

// ---- events into the core, actions out of it ---------------------------------

template <class Event> void LivePool::run(Event event) {
  // Kept by each thread, so that a request allocates nothing here.
  thread_local pool::Actions actions;
  thread_local Afterwards afterwards;
  actions.clear();
  afterwards.clear();
  {
    const std::lock_guard lock(mutex_);
    const Time now = clock_.now();
    event(now, actions);
    carry_out_locked(now, actions, afterwards);
  }
  carry_out(afterwards);
}

void LivePool::carry_out_locked(Time now, const pool::Actions &actions, Afterwards &afterwards) {
  for (const pool::Action &action : actions) {
    if (const auto *serve = std::get_if<pool::Serve>(&action)) {
      Parked &parked = Parked::of(serve->request);
      callers_.remove(serve->request);
      hand_over(parked, serve->connection, now, serve->waited);
      afterwards.wake.push_back(&parked);
    } else if (const auto *refuse = std::get_if<pool::Refuse>(&action)) {
      Parked &parked = Parked::of(refuse->request);
      callers_.remove(refuse->request);
      parked.served = false;
      parked.why = refuse->why;
      parked.waited = refuse->waited;
      afterwards.wake.push_back(&parked);
    } else if (const auto *connect = std::get_if<pool::Connect>(&action)) {
      connect_started_[connect->connection] = clock_.now();
      afterwards.connect.push_back(connect->connection);
    } else if (const auto *close = std::get_if<pool::Close>(&action)) {
      Place &place = place_of(close->connection);
      if (place.has(close->connection))
        afterwards.close.push_back(place.take_out());
    } else if (const auto *wake = std::get_if<pool::WakeAt>(&action)) {
      wake_at_ = std::min(wake_at_, wake->at);
      if (wake_at_ < timer_wakes_)
        afterwards.wake_time_keeper = true;
    } else if (ask_) {
      ask_();
    }
  }
}

// To a request that has been served. [its thread, or the lock held while it waits]
void LivePool::hand_over(Parked &parked, pool::ConnectionId id, Time now, Duration waited) {
  Place &place = place_of(id);
  parked.connection = &place.connection(); // before it is held: then it might be taken out
  parked.mark = place.hold(now, parked.deadline, parked.route);
  parked.served = true;
  parked.id = id;
  parked.place = &place;
  parked.waited = waited;
  parked.rested = place.rested(now);
  parked.served_at = now;
}

void LivePool::carry_out(Afterwards &afterwards) {
  for (Parked *parked : afterwards.wake)
    parked->decide();
  for (auto &connection : afterwards.close)
    connector_->close(std::move(connection));
  for (const pool::ConnectionId id : afterwards.connect)
    connector_->connect(id);
  if (afterwards.wake_time_keeper)
    timer_.notify_one();
}

// ---- the background ----------------------------------------------------------

LivePool::LivePool(const Clock &clock, const std::string &conninfo, std::uint64_t seed)
    : clock_(clock), core_(seed), places_(std::make_unique<Place[]>(POOL_LAB_MAX_SIZE)) {
  connector_ = std::make_unique<Connector>(
      conninfo,
      [this](pool::ConnectionId id, std::unique_ptr<db::Connection> connection) {
        run([&](Time now, pool::Actions &out) {
          if (connect_took_)
            connect_took_(now - connect_started_.at(id));
          connect_started_.erase(id);
          last_connect_error_.clear();
          place_of(id).put(id, std::move(connection));
          places_used_ = std::max<std::size_t>(places_used_, pool::slot_of(id) + 1U);
          core_.connected(now, id, out);
        });
      },
      [this](pool::ConnectionId id, const db::ConnectError &error) {
        run([&](Time now, pool::Actions &out) {
          connect_started_.erase(id);
          last_connect_error_ = db::explained(error);
          ++connect_failures_.at(static_cast<std::size_t>(error.kind));
          core_.connect_failed(now, id, error.kind == db::ConnectFailure::too_many_connections,
                               out);
        });
      });
  time_keeper_ = std::jthread([this](std::stop_token stop) { keep_time(stop); });
}

LivePool::~LivePool() {
  time_keeper_.request_stop();
  time_keeper_.join();
  // The connector calls back until its thread has ended: it goes as a member, which stays in
  // place until then, before all that it calls.
}

// Ticks the core when it asked for it, and ends the sockets of holders that
// are past their deadline (a frozen database would keep them for ever).
void LivePool::keep_time(std::stop_token stop) {
  Time next_beat{};
  while (!stop.stop_requested()) {
    run([&](Time now, pool::Actions &out) {
      wake_at_ = Time::max();
      core_.tick(now, out);
      const Time latest = now >= shut_holders_at_ ? Time::max() - Duration(1) : now;
      for (Place &place : used_places())
        if (!place.empty())
          place.cut_off(latest);
    });
    // At the beat, however often deadlines wake it in between.
    if (const Time now = clock_.now(); now >= next_beat) {
      next_beat = now + beat;
      cancel_those_gone();
      tell_of_leaks();
    }
    std::unique_lock lock(mutex_);
    timer_wakes_ = std::min(wake_at_, clock_.now() + beat);
    const Time until = timer_wakes_;
    (void)timer_.wait_until(lock, stop, clock_.steady(until), [&] { return wake_at_ < until; });
    timer_wakes_ = Time::min();
  }
}

// ---- the governor's side, and the page's -------------------------------------

pl_observation LivePool::observe() {
  const std::lock_guard lock(mutex_);
  return core_.observe(clock_.now());
}

std::vector<pool::WaitingRequest> LivePool::take_asks() {
  const std::lock_guard lock(mutex_);
  return core_.take_asks(clock_.now());
}

bool LivePool::waits(pool::RequestId request) const {
  const std::lock_guard lock(mutex_);
  return core_.waits(request);
}

void LivePool::admitted(pool::RequestId request, const pool::Verdict &verdict) {
  run([&](Time now, pool::Actions &out) { core_.admitted(now, request, verdict, out); });
}

void LivePool::follow(const pool::Plan &plan, bool fresh, bool admits) {
  run([&](Time now, pool::Actions &out) {
    plan_ = plan;
    admits_ = admits;
    core_.follow(now, plan_to_follow_locked(fresh), fresh, admits, out);
  });
}

// `fresh`: what another strategy had open counts no more.
pool::Plan LivePool::plan_to_follow_locked(bool fresh) const {
  return paused_ ? pool::while_paused(plan_, fresh ? 0 : core_.max_open()) : plan_;
}

bool LivePool::pause(bool paused) {
  bool changed = false;
  run([&](Time now, pool::Actions &out) {
    changed = std::exchange(paused_, paused) != paused;
    if (changed)
      core_.follow(now, plan_to_follow_locked(false), false, admits_, out);
  });
  return changed;
}

void LivePool::on_ask(std::function<void()> ask) {
  const std::lock_guard lock(mutex_);
  ask_ = std::move(ask);
}

void LivePool::on_connect(std::function<void(Duration)> observe) {
  const std::lock_guard lock(mutex_);
  connect_took_ = std::move(observe);
}

LivePool::Snapshot LivePool::snapshot() const {
  const std::lock_guard lock(mutex_);
  const Time now = clock_.now();
  Snapshot snapshot{now,
                    core_.levels(),
                    core_.oldest_wait(now),
                    core_.counts(now),
                    core_.plan(),
                    core_.max_open(),
                    last_connect_error_,
                    connect_failures_,
                    leaks_.counts([&](const auto &leak) { return still_held_locked(leak); }),
                    paused_};
  for (std::size_t i = 0; i < places_used_; ++i) {
    const auto holder = places_[i].empty() ? std::nullopt : places_[i].holder();
    if (!holder)
      continue;
    snapshot.longest_hold = std::max(snapshot.longest_hold, now - holder->since);
    snapshot.long_holds += now - holder->since >= long_hold ? 1 : 0;
  }
  return snapshot;
}

void LivePool::shut_down(Duration grace) {
  run([&](Time now, pool::Actions &out) {
    shut_holders_at_ = now + grace;
    core_.shut_down(now, out);
  });
}

// ---- the lease ---------------------------------------------------------------

Lease::Lease(LivePool &pool, pool::ConnectionId id, Place &place, db::Connection &connection,
             Place::Mark mark, Duration waited, Time since)
    : pool_(&pool), id_(id), place_(&place), connection_(&connection), mark_(mark), waited_(waited),
      since_(since) {}

Lease::Lease(Lease &&other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)), id_(other.id_), place_(other.place_),
      connection_(other.connection_), mark_(other.mark_), waited_(other.waited_),
      since_(other.since_) {}

Lease::~Lease() {
  if (pool_ != nullptr)
    (void)give_back(false);
}

Duration Lease::give_back(bool ok) {
  LivePool &pool = *std::exchange(pool_, nullptr);
  const Time now = pool.clock_.now();
  pool.give_back(now, *this, ok);
  return now - since_;
}

} // namespace lab::host
