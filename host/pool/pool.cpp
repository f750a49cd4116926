#include "host/pool/pool.hpp"

#include <algorithm>

namespace lab::pool {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Back-off after a failed connect. At most five a second while the server is
// down or full (a refusal costs it a process), and a first try within a second of
// its coming back.
constexpr Duration first_pause = milliseconds(200);
constexpr Duration longest_pause = milliseconds(500);
// How often idle connections are looked over for their lifetime.
constexpr Duration sweep = seconds(1);

} // namespace

Pool::Pool(std::uint64_t seed) : window_(seed), random_(seed ^ 0x5BD1E995u) {}

// ---- events: requests --------------------------------------------------------

void Pool::acquire(Time now, RequestId request, Time deadline, std::string_view route,
                   Actions &out) {
  window_.asked();
  expire(now, out);
  const Waiter waiter{request, now,   deadline, std::min(deadline, now + plan_.wait_timeout),
                      false,   false, route};
  if (shut_)
    turn_away(now, waiter, Refusal::draining, Outcome::refused, out);
  else if (!idle_.empty() && in_use_ < plan_.max_in_use) // then nobody waits
    hand_out_idle(now, waiter, out);
  else if (trouble_ == Trouble::down && levels().open == 0)
    turn_away(now, waiter, Refusal::db_unavailable, Outcome::refused, out);
  else if (waiter.deadline <= now)
    turn_away(now, waiter, why_timed_out(waiter), Outcome::timed_out, out);
  else if (line_.size() + 1 > free_room() + plan_.max_waiting)
    turn_away(now, waiter, Refusal::rejected, Outcome::refused, out);
  else {
    // LIFO serves the newest first: it goes to the front.
    enter_line(plan_.order == Order::lifo ? line_.begin() : line_.end(), waiter);
    if (admits_ || plan_.look_when_waiting)
      out.emplace_back(AskStrategy{});
  }
  settle(now, out);
}

void Pool::release(Time now, ConnectionId connection, bool ok, Actions &out) {
  const auto found = slots_.find(connection);
  if (found == slots_.end() || found->second.state != State::in_use)
    return;
  Slot &slot = found->second;
  window_.ended(ok ? Outcome::served : Outcome::failed, slot.asked, slot.waited, now - slot.since);
  --in_use_;
  const bool surplus = slots_.size() > max_open();
  if (shut_ || surplus || now >= slot.retires)
    close(connection, out);
  else
    rest(now, connection, slot);
  settle(now, out);
}

void Pool::cancel(Time now, RequestId request, Actions &out) {
  const auto found = places_.find(request);
  if (found != places_.end()) {
    const Waiter &waiter = *found->second;
    window_.ended(Outcome::cancelled, waiter.asked, now - waiter.asked, Duration::zero());
    leave_line(found->second);
  }
  settle(now, out);
}

void Pool::admitted(Time now, RequestId request, const Verdict &verdict, Actions &out) {
  const auto found = places_.find(request);
  if (found != places_.end()) {
    const auto place = found->second;
    if (verdict.kind == Verdict::Kind::refuse) {
      refuse(now, place, Refusal::rejected, Outcome::refused, out);
    } else if (verdict.kind == Verdict::Kind::wait) {
      place->has_verdict = true;
      set_deadline(place, std::min(place->own_deadline, place->asked + verdict.wait));
      line_.splice(verdict.at_front ? line_.begin() : line_.end(), line_, place);
    }
  }
  settle(now, out);
}

// ---- events: connections -----------------------------------------------------

void Pool::connected(Time now, ConnectionId connection, Actions &out) {
  const auto found = slots_.find(connection);
  if (found == slots_.end() || found->second.state != State::connecting)
    return;
  Slot &slot = found->second;
  --connecting_;
  window_.connected(now - slot.since);
  connects_allowed_ = std::min<std::uint32_t>(connects_allowed_ * 2, POOL_LAB_MAX_SIZE);
  trouble_ = Trouble::none;
  pause_ = Duration::zero();
  connect_after_ = now;
  // Up to 10 % shorter, so that connections opened together don't end together.
  const auto tenth = static_cast<std::uint64_t>(plan_.max_lifetime.count() / 10);
  slot.retires = now + plan_.max_lifetime - Duration(random_.below(tenth + 1));
  if (shut_ || slots_.size() > max_open())
    close(connection, out);
  else
    rest(now, connection, slot);
  settle(now, out);
}

void Pool::connect_failed(Time now, ConnectionId connection, bool too_many, Actions &out) {
  const auto found = slots_.find(connection);
  if (found == slots_.end() || found->second.state != State::connecting)
    return;
  slots_.erase(found);
  --connecting_;
  window_.connect_failed(too_many);
  trouble_ = last_error_ = too_many ? Trouble::too_many : Trouble::down;
  last_error_at_ = now;
  connects_allowed_ = 1;
  pause_ = pause_ == Duration::zero() ? first_pause : std::min(pause_ * 2, longest_pause);
  // Up to a quarter longer, so that several hosts don't knock together.
  connect_after_ =
      now + pause_ + Duration(random_.below(static_cast<std::uint64_t>(pause_.count()) / 4 + 1));
  if (trouble_ == Trouble::down && levels().open == 0)
    refuse_all(now, Refusal::db_unavailable, out);
  settle(now, out);
}

void Pool::broke(Time now, ConnectionId connection, Actions &out) {
  const auto found = slots_.find(connection);
  if (found == slots_.end() || found->second.state == State::connecting)
    return;
  Slot &slot = found->second;
  if (slot.state == State::in_use) {
    window_.ended(Outcome::failed, slot.asked, slot.waited, now - slot.since);
    --in_use_;
  } else {
    idle_.erase(slot.idle_place);
  }
  close(connection, out);
  settle(now, out);
}

void Pool::dead_at_checkout(Time now, ConnectionId connection, Actions &out) {
  const auto found = slots_.find(connection);
  if (found == slots_.end() || found->second.state != State::in_use)
    return;
  const Slot &slot = found->second;
  const Waiter waiter{slot.holder, slot.asked, slot.deadline, slot.deadline,
                      true,        true,       slot.route};
  --in_use_;
  close(connection, out);
  enter_line(line_.begin(), waiter);
  settle(now, out);
}

// ---- events: the rest --------------------------------------------------------

void Pool::follow(Time now, const Plan &plan, bool fresh, bool admits, Actions &out) {
  const bool new_timeout = plan.wait_timeout != plan_.wait_timeout;
  plan_ = plan;
  admits_ = admits;
  if (fresh)
    highest_.clear();
  while (!highest_.empty() && highest_.back().second <= plan.max_in_use)
    highest_.pop_back();
  highest_.emplace_back(now, plan.max_in_use);
  if (new_timeout) {
    for (auto waiter = line_.begin(); waiter != line_.end(); ++waiter) {
      const Time planned = std::min(waiter->own_deadline, waiter->asked + plan.wait_timeout);
      // It may shorten a verdict, never extend it.
      set_deadline(waiter, waiter->has_verdict ? std::min(waiter->deadline, planned) : planned);
    }
  }
  settle(now, out);
}

void Pool::tick(Time now, Actions &out) {
  if (now >= wake_announced_)
    wake_announced_ = Time::max();
  settle(now, out);
}

void Pool::shut_down(Time now, Actions &out) {
  shut_ = true;
  refuse_all(now, Refusal::draining, out);
  while (!idle_.empty())
    close_idle(idle_.begin(), out);
  settle(now, out);
}

// ---- after every event -------------------------------------------------------

// Brings the pool to rest: what is due ends, who can be served is served, what
// is surplus closes, what is wanted connects. The order matters: an expired
// waiter must not be served, and only who is still waiting justifies a connect.
void Pool::settle(Time now, Actions &out) {
  expire(now, out);
  serve_waiters(now, out);
  retire_idle(now, out);
  start_connects(now, out);
  window_.levels(now, levels());
  announce_wake(now, out);
}

void Pool::expire(Time now, Actions &out) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const auto waiter = places_.at(deadlines_.begin()->second);
    const Refusal why = why_timed_out(*waiter);
    refuse(now, waiter, why, Outcome::timed_out, out);
  }
}

void Pool::serve_waiters(Time now, Actions &out) {
  while (!line_.empty() && !idle_.empty() && in_use_ < plan_.max_in_use) {
    hand_out_idle(now, line_.front(), out);
    leave_line(line_.begin());
  }
}

void Pool::retire_idle(Time now, Actions &out) {
  while (!idle_.empty()) {
    const bool surplus = slots_.size() > max_open();
    const bool unused =
        idle_.size() > plan_.min_idle && now >= slots_.at(idle_.front()).since + plan_.idle_timeout;
    if (!surplus && !unused)
      break;
    close_idle(idle_.begin(), out);
  }
  if (now < next_sweep_)
    return;
  next_sweep_ = now + sweep;
  for (auto next = idle_.begin(); next != idle_.end();) {
    const auto here = next++;
    if (now >= slots_.at(*here).retires)
      close_idle(here, out);
  }
}

// A connect is started only for somebody: a waiter that max_in_use would let
// in, or min_idle. Those under way count, so demand that is covered is not
// covered twice.
void Pool::start_connects(Time now, Actions &out) {
  if (shut_)
    return;
  const std::uint32_t room = plan_.max_in_use > in_use_ ? plan_.max_in_use - in_use_ : 0;
  const auto waiting = static_cast<std::uint32_t>(line_.size());
  const auto idle = static_cast<std::uint32_t>(idle_.size());
  std::uint32_t wanted = idle > 0 ? 0 : std::min(waiting, room);
  if (plan_.min_idle > idle)
    wanted += plan_.min_idle - idle;
  // With the server down and nothing open nobody waits; a prober finds out when it is back.
  if (trouble_ == Trouble::down && slots_.empty())
    wanted = std::max<std::uint32_t>(wanted, 1);
  const std::uint32_t at_once = std::min(plan_.max_connecting, connects_allowed_);
  while (connecting_ < wanted && connecting_ < at_once && slots_.size() < max_open() &&
         now >= connect_after_) {
    const ConnectionId connection{++last_connection_};
    Slot &slot = slots_[connection];
    slot.since = now;
    ++connecting_;
    out.emplace_back(Connect{connection});
  }
}

void Pool::announce_wake(Time now, Actions &out) {
  Time wake = Time::max();
  if (!deadlines_.empty())
    wake = deadlines_.begin()->first;
  if (connect_after_ > now && trouble_ != Trouble::none)
    wake = std::min(wake, connect_after_);
  if (!idle_.empty()) {
    wake = std::min(wake, next_sweep_);
    if (idle_.size() > plan_.min_idle)
      wake = std::min(wake, std::max(now, slots_.at(idle_.front()).since + plan_.idle_timeout));
  }
  if (wake < wake_announced_) {
    wake_announced_ = wake;
    out.emplace_back(WakeAt{wake});
  }
}

// ---- what the governor and the page look at ----------------------------------

std::uint32_t Pool::max_open() const {
  const std::uint32_t highest = highest_.empty() ? plan_.max_in_use : highest_.front().second;
  return std::min(plan_.share, plan_.max_open.value_or(highest));
}

Levels Pool::levels() const {
  const auto idle = static_cast<std::uint32_t>(idle_.size());
  return {idle + in_use_, idle, in_use_, connecting_, static_cast<std::uint32_t>(line_.size())};
}

Duration Pool::oldest_wait(Time now) const {
  // Not the head of the line: LIFO and verdicts reorder it.
  Duration oldest{};
  for (const Waiter &waiter : line_)
    oldest = std::max(oldest, now - waiter.asked);
  return oldest;
}

pl_observation Pool::observe(Time now) {
  // A look is also the moment to forget a high that is older than idle_timeout.
  while (highest_.size() > 1 && highest_[1].first + plan_.idle_timeout <= now)
    highest_.pop_front();
  pl_observation seen = window_.take(now, oldest_wait(now));
  seen.plan = to_abi(plan_);
  return seen;
}

std::vector<WaitingRequest> Pool::take_asks(Time now) {
  std::vector<WaitingRequest> asks;
  if (!admits_)
    return asks;
  const Levels level = levels();
  std::uint32_t ahead = 0;
  for (Waiter &waiter : line_) {
    if (!waiter.asked_about) {
      waiter.asked_about = true;
      pl_ask shown{};
      shown.struct_size = sizeof shown;
      shown.ahead = ahead;
      shown.now = now.time_since_epoch().count();
      shown.asked = waiter.asked.time_since_epoch().count();
      shown.deadline = waiter.deadline.time_since_epoch().count();
      shown.open = level.open;
      shown.idle = level.idle;
      shown.in_use = level.in_use;
      shown.connecting = level.connecting;
      shown.waiting = level.waiting;
      waiter.route.copy(shown.route, sizeof shown.route - 1);
      asks.push_back({waiter.request, shown});
    }
    ++ahead;
  }
  return asks;
}

// ---- steps -------------------------------------------------------------------

void Pool::hand_out_idle(Time now, const Waiter &waiter, Actions &out) {
  const ConnectionId connection = idle_.back();
  idle_.pop_back();
  Slot &slot = slots_.at(connection);
  slot.state = State::in_use;
  slot.since = now;
  slot.holder = waiter.request;
  slot.asked = waiter.asked;
  slot.deadline = waiter.deadline;
  slot.route = waiter.route;
  slot.waited = now - waiter.asked;
  ++in_use_;
  window_.handed_out(slot.waited);
  out.emplace_back(Serve{waiter.request, connection, slot.waited});
}

void Pool::turn_away(Time now, const Waiter &waiter, Refusal why, Outcome how, Actions &out) {
  const Duration waited = now - waiter.asked;
  window_.ended(how, waiter.asked, waited, Duration::zero());
  out.emplace_back(Refuse{waiter.request, why, waited});
}

void Pool::refuse(Time now, Line::iterator waiter, Refusal why, Outcome how, Actions &out) {
  turn_away(now, *waiter, why, how, out);
  leave_line(waiter);
}

void Pool::refuse_all(Time now, Refusal why, Actions &out) {
  while (!line_.empty())
    refuse(now, line_.begin(), why, Outcome::refused, out);
}

void Pool::enter_line(Line::iterator where, const Waiter &waiter) {
  const auto place = line_.insert(where, waiter);
  places_.emplace(place->request, place);
  deadlines_.emplace(place->deadline, place->request);
}

void Pool::leave_line(Line::iterator waiter) {
  deadlines_.erase({waiter->deadline, waiter->request});
  places_.erase(waiter->request);
  line_.erase(waiter);
}

void Pool::set_deadline(Line::iterator waiter, Time deadline) {
  deadlines_.erase({waiter->deadline, waiter->request});
  waiter->deadline = deadline;
  deadlines_.emplace(deadline, waiter->request);
}

void Pool::rest(Time now, ConnectionId connection, Slot &slot) {
  slot.state = State::idle;
  slot.since = now;
  slot.idle_place = idle_.insert(idle_.end(), connection);
}

void Pool::close_idle(std::list<ConnectionId>::iterator place, Actions &out) {
  const ConnectionId connection = *place;
  idle_.erase(place);
  close(connection, out);
}

void Pool::close(ConnectionId connection, Actions &out) {
  slots_.erase(connection);
  window_.closed();
  out.emplace_back(Close{connection});
}

// Hand-outs that can still happen without anyone giving back. While connects
// fail, none is in sight.
std::uint32_t Pool::free_room() const {
  if (trouble_ != Trouble::none)
    return 0;
  const std::uint32_t limit = std::min(plan_.max_in_use, max_open());
  return limit > in_use_ ? limit - in_use_ : 0;
}

// The last connect error during a wait is its cause, where a connection more
// would have served it: a pool that waits for a server at its ceiling is not a
// pool that is too small. A pool that has all it may have is its own cause.
Refusal Pool::why_timed_out(const Waiter &waiter) const {
  if (levels().open >= std::min(plan_.max_in_use, max_open()))
    return Refusal::timed_out;
  const bool during = last_error_ != Trouble::none && last_error_at_ >= waiter.asked;
  const Trouble cause = trouble_ != Trouble::none ? trouble_ : during ? last_error_ : Trouble::none;
  switch (cause) {
  case Trouble::too_many:
    return Refusal::too_many_connections;
  case Trouble::down:
    return Refusal::db_unavailable;
  case Trouble::none:
    break;
  }
  return Refusal::timed_out;
}

} // namespace lab::pool
