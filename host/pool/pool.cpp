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
// So long an error is the cause of later waits that end unserved, unless a connect went well
// since. The next try may hang for half of it, and tell nothing meanwhile.
constexpr Duration remembered = seconds(10);
// How often idle connections are looked over for their lifetime.
constexpr Duration sweep = seconds(1);

// A connection's number and its place, in one: a number that was used before finds
// another in that place.
ConnectionId numbered(std::uint64_t number, SlotIndex place) {
  return ConnectionId{number * 1024 + place};
}

// A hold's draw, for the sample.
std::uint64_t draw_of(const Slot &slot, std::uint64_t hold) {
  return Window::draw_for(static_cast<std::uint64_t>(slot.connection), hold);
}

} // namespace

Pool::Pool(std::uint64_t seed, std::uint32_t most_samples)
    : window_(seed, most_samples), random_(seed ^ 0x5BD1E995u),
      slots_(std::make_unique<Slot[]>(POOL_LAB_MAX_SIZE)),
      wait_timeout_(plan_.wait_timeout.count()) {}

// ---- through the gate --------------------------------------------------------

std::optional<ConnectionId> Pool::try_acquire(Time now, RequestId request, Time deadline,
                                              std::string_view route) {
  const auto place = gate_.take();
  if (!place)
    return std::nullopt;
  Slot &slot = slot_at(*place);
  slot.account.begin(now);
  slot.holder = request;
  slot.asked = now;
  slot.deadline = std::min(deadline, now + Duration(wait_timeout_.load(std::memory_order_relaxed)));
  slot.route = route;
  slot.waited = Duration::zero();
  return slot.connection;
}

bool Pool::try_release(Time now, ConnectionId connection) {
  Slot &slot = slot_at(slot_of(connection));
  if (now >= slot.retires || window_.samples(draw_of(slot, slot.account.ended())))
    return false;
  // First the account, then the gate: behind it, the connection may be another's.
  slot.account.end(now, window_.number(), true);
  if (gate_.put(slot_of(connection)))
    return true;
  slot.came_late = true;
  return false;
}

// ---- events: requests --------------------------------------------------------

void Pool::acquire(Time now, RequestId request, Time deadline, std::string_view route,
                   Actions &out) {
  shut_gate();
  window_.asked();
  expire(now, out);
  const Waiter waiter{request, now,   deadline, std::min(deadline, now + plan_.wait_timeout),
                      false,   false, route};
  if (shut_)
    turn_away(now, waiter, Refusal::draining, Outcome::refused, out);
  else if (!idle_.empty() && in_use() < plan_.max_in_use) // then nobody waits
    hand_out_idle(now, waiter, out);
  else if (trouble_ == Trouble::down && open_ == 0)
    turn_away(now, waiter, Refusal::db_unavailable, Outcome::refused, out);
  else if (waiter.deadline <= now) {
    missed_one_ = waiter.own_deadline > now;
    turn_away(now, waiter, why_timed_out(waiter), Outcome::timed_out, out);
  } else if (line_.size() + 1 > free_room(now) + plan_.max_waiting)
    turn_away(now, waiter, Refusal::rejected, Outcome::refused, out);
  else {
    // LIFO serves the newest first: it goes to the front.
    line_.join(plan_.order == Order::lifo ? Line::End::front : Line::End::back, waiter);
    if (admits_ || plan_.look_when_waiting)
      out.emplace_back(AskStrategy{});
  }
  settle(now, out);
}

void Pool::release(Time now, ConnectionId connection, bool ok, Actions &out) {
  Slot *const slot = find_held(connection);
  if (slot == nullptr)
    return;
  shut_gate();
  const std::uint64_t hold = slot->account.ended() - (slot->came_late ? 1 : 0);
  const Duration held = end_hold(now, *slot, ok);
  if (ok)
    window_.ended_well(slot->asked, slot->waited, held, draw_of(*slot, hold));
  else
    window_.ended(Outcome::failed, slot->asked, slot->waited, held);
  const bool surplus = size() > max_open();
  if (shut_ || surplus || now >= slot->retires)
    close(*slot, out);
  else
    rest(now, *slot);
  settle(now, out);
}

bool Pool::cancel(Time now, RequestId request, Actions &out) {
  shut_gate();
  const Waiter *const waiter = line_.find(request);
  const bool waits = waiter != nullptr;
  if (waits) {
    window_.ended(Outcome::cancelled, waiter->asked, now - waiter->asked, Duration::zero());
    line_.leave(request);
  }
  settle(now, out);
  return waits;
}

void Pool::admitted(Time now, RequestId request, const Verdict &verdict, Actions &out) {
  shut_gate();
  const Waiter *const waiter = line_.find(request);
  if (waiter != nullptr && verdict.kind == Verdict::Kind::refuse)
    refuse(now, *waiter, Refusal::rejected, Outcome::refused, out);
  else if (waiter != nullptr && verdict.kind == Verdict::Kind::wait)
    line_.judge(request, verdict.at_front ? Line::End::front : Line::End::back,
                waiter->asked + verdict.wait);
  settle(now, out);
}

// ---- events: connections -----------------------------------------------------

void Pool::connected(Time now, ConnectionId connection, Actions &out) {
  Slot *const slot = find(connection, Slot::State::connecting);
  if (slot == nullptr)
    return;
  shut_gate();
  --connecting_;
  ++open_;
  slot->state = Slot::State::open;
  window_.connected(now - slot->connect_began);
  connects_allowed_ = std::min<std::uint32_t>(connects_allowed_ * 2, POOL_LAB_MAX_SIZE);
  trouble_ = Trouble::none;
  pause_ = Duration::zero();
  connect_after_ = now;
  // Up to 10 % shorter, so that connections opened together don't end together.
  const auto tenth = static_cast<std::uint64_t>(plan_.max_lifetime.count() / 10);
  slot->retires = now + plan_.max_lifetime - Duration(random_.below(tenth + 1));
  if (shut_ || size() > max_open())
    close(*slot, out);
  else
    rest(now, *slot);
  settle(now, out);
}

void Pool::connect_failed(Time now, ConnectionId connection, bool too_many, Actions &out) {
  Slot *const slot = find(connection, Slot::State::connecting);
  if (slot == nullptr)
    return;
  shut_gate();
  vacate(*slot);
  --connecting_;
  window_.connect_failed(too_many);
  trouble_ = last_error_ = too_many ? Trouble::too_many : Trouble::down;
  last_error_at_ = now;
  connects_allowed_ = 1;
  pause_ = pause_ == Duration::zero() ? first_pause : std::min(pause_ * 2, longest_pause);
  // Up to a quarter longer, so that several hosts don't knock together.
  connect_after_ =
      now + pause_ + Duration(random_.below(static_cast<std::uint64_t>(pause_.count()) / 4 + 1));
  settle(now, out);
}

void Pool::broke(Time now, ConnectionId connection, Actions &out) {
  Slot *const slot = find(connection, Slot::State::open);
  if (slot == nullptr)
    return;
  shut_gate();
  if (find_held(connection) != nullptr) {
    const Duration held = end_hold(now, *slot, false);
    window_.ended(Outcome::failed, slot->asked, slot->waited, held);
  } else {
    idle_.erase(std::find(idle_.begin(), idle_.end(), slot_of(connection)));
  }
  close(*slot, out);
  connects_allowed_ = 1;
  settle(now, out);
}

void Pool::dead_at_checkout(Time now, ConnectionId connection, Actions &out) {
  Slot *const slot = find_held(connection);
  if (slot == nullptr)
    return;
  shut_gate();
  const Waiter waiter{slot->holder, slot->asked, slot->deadline, slot->deadline,
                      true,         true,        slot->route};
  end_hold(now, *slot, false);
  close(*slot, out);
  connects_allowed_ = 1;
  if (!idle_.empty() && in_use() < plan_.max_in_use) // as in `acquire`: then nobody waits
    hand_out_idle(now, waiter, out);
  else
    line_.join(Line::End::front, waiter);
  settle(now, out);
}

// ---- events: the rest --------------------------------------------------------

void Pool::follow(Time now, const Plan &plan, bool fresh, bool admits, Actions &out) {
  shut_gate();
  const bool new_timeout = plan.wait_timeout != plan_.wait_timeout;
  const bool new_order = plan.order != plan_.order;
  plan_ = plan;
  wait_timeout_.store(plan.wait_timeout.count(), std::memory_order_relaxed);
  admits_ = admits;
  if (fresh)
    highest_.clear();
  if (!highest_.empty())
    highest_.back().until = now;
  while (!highest_.empty() && highest_.back().max_in_use <= plan.max_in_use)
    highest_.pop_back();
  highest_.push_back({plan.max_in_use, Time::max()});
  if (new_order)
    line_.turn();
  if (new_timeout)
    line_.plan_timeout(plan.wait_timeout);
  settle(now, out);
  // About those that nobody was asked about: the strategy before may have had no `admit`.
  if (fresh && admits && !line_.empty())
    out.emplace_back(AskStrategy{});
}

void Pool::tick(Time now, Actions &out) {
  shut_gate();
  wake_announced_ = Time::max(); // said anew, also where this tick came early
  settle(now, out);
}

void Pool::shut_down(Time now, Actions &out) {
  shut_gate();
  shut_ = true;
  settle(now, out);
}

// ---- around every event ------------------------------------------------------

// Takes back what rests in the gate: during an event, the core alone hands out.
void Pool::shut_gate() {
  if (!gate_.is_open())
    return;
  const auto withheld = static_cast<std::uint32_t>(idle_.size());
  gate_.shut(idle_);
  const auto resting = static_cast<std::uint32_t>(idle_.size());
  window_.gate_was_open(open_, std::min(resting, withheld + gate_.fewest()),
                        std::max(resting, withheld + gate_.most()));
}

// Leaves idle connections in the gate, as many as max_in_use has room for and min_idle
// leaves, unless somebody waits or what is given back is to be closed. Who finds it empty
// comes to the core, which then connects anew to keep min_idle.
void Pool::open_gate() {
  const std::uint32_t held = in_use();
  if (shut_ || !line_.empty() || held > plan_.max_in_use || size() > max_open())
    return;
  const std::size_t spare = idle_.size() > plan_.min_idle ? idle_.size() - plan_.min_idle : 0;
  const auto lent = std::min<std::size_t>(plan_.max_in_use - held, spare);
  gate_.open(idle_, idle_.size() - lent);
  idle_.resize(idle_.size() - lent);
}

// Brings the pool to rest: what is due ends, who can be served is served, what
// is surplus closes, what is wanted connects. The order matters: an expired
// waiter must not be served, and only who is still waiting justifies a connect.
void Pool::settle(Time now, Actions &out) {
  expire(now, out);
  if (shut_)
    refuse_all(now, Refusal::draining, out);
  serve_waiters(now, out);
  retire_idle(now, out);
  if (trouble_ == Trouble::down && open_ == 0)
    refuse_all(now, Refusal::db_unavailable, out);
  start_connects(now, out);
  window_.levels(now, levels());
  announce_wake(now, out);
  open_gate();
}

void Pool::expire(Time now, Actions &out) {
  while (line_.next_deadline() <= now) {
    const Waiter &waiter = line_.first_due();
    refuse(now, waiter, why_timed_out(waiter), Outcome::timed_out, out);
  }
}

void Pool::serve_waiters(Time now, Actions &out) {
  while (!line_.empty() && !idle_.empty() && in_use() < plan_.max_in_use) {
    hand_out_idle(now, line_.front(), out);
    line_.leave(line_.front().request);
  }
}

void Pool::retire_idle(Time now, Actions &out) {
  while (!idle_.empty()) {
    const bool surplus = shut_ || size() > max_open();
    const bool unused = idle_.size() > plan_.min_idle &&
                        now >= slot_at(idle_.front()).account.since() + plan_.idle_timeout;
    if (!surplus && !unused)
      break;
    close_idle(0, out);
  }
  if (now < next_sweep_)
    return;
  next_sweep_ = now + sweep;
  for (std::size_t place = idle_.size(); place-- > 0;)
    if (now >= slot_at(idle_[place]).retires)
      close_idle(place, out);
}

// A connect is started only for somebody: a waiter that max_in_use would let
// in, one that would have been served had it been there, or min_idle. Those under way count, so
// demand that is covered is not covered twice.
void Pool::start_connects(Time now, Actions &out) {
  if (shut_)
    return;
  const std::uint32_t held = in_use();
  const std::uint32_t room = plan_.max_in_use > held ? plan_.max_in_use - held : 0;
  const auto waiting = static_cast<std::uint32_t>(line_.size());
  const auto idle = static_cast<std::uint32_t>(idle_.size());
  std::uint32_t wanted = idle > 0 ? 0 : std::min(waiting + (missed_one_ ? 1 : 0), room);
  missed_one_ = false;
  if (plan_.min_idle > idle)
    wanted += plan_.min_idle - idle;
  // With the server down and nothing open nobody waits; a prober finds out when it is back.
  if (trouble_ == Trouble::down && size() == 0)
    wanted = std::max<std::uint32_t>(wanted, 1);
  const std::uint32_t at_once = std::min(plan_.max_connecting, connects_allowed_);
  while (connecting_ < wanted && connecting_ < at_once && size() < max_open() &&
         now >= connect_after_) {
    SlotIndex place = 0;
    if (free_.empty()) {
      place = static_cast<SlotIndex>(slots_used_++);
    } else {
      place = free_.back();
      free_.pop_back();
    }
    Slot &slot = slot_at(place);
    slot.state = Slot::State::connecting;
    slot.connection = numbered(++last_connection_, place);
    slot.connect_began = now;
    ++connecting_;
    out.emplace_back(Connect{slot.connection});
  }
}

void Pool::announce_wake(Time now, Actions &out) {
  Time wake = line_.next_deadline();
  if (connect_after_ > now && trouble_ != Trouble::none)
    wake = std::min(wake, connect_after_);
  // What comes to rest in the gate is found by the sweep.
  if (open_ > 0)
    wake = std::min(wake, next_sweep_);
  if (idle_.size() > plan_.min_idle)
    wake = std::min(wake, slot_at(idle_.front()).account.since() + plan_.idle_timeout);
  if (wake < wake_announced_) {
    wake_announced_ = wake;
    out.emplace_back(WakeAt{wake});
  }
}

// ---- what the governor and the page look at ----------------------------------

std::uint32_t Pool::max_open() const {
  const std::uint32_t highest = highest_.empty() ? plan_.max_in_use : highest_.front().max_in_use;
  return std::min(plan_.share, plan_.max_open.value_or(highest));
}

Levels Pool::levels() const {
  const auto idle = static_cast<std::uint32_t>(idle_.size()) + gate_.resting();
  return {open_, idle, open_ - idle, connecting_, static_cast<std::uint32_t>(line_.size())};
}

std::uint32_t Pool::in_use() const {
  return open_ - static_cast<std::uint32_t>(idle_.size()) - gate_.resting();
}

Counts Pool::counts(Time now) const {
  Counts counts = window_.counts_until(now);
  const Served sum = served(now);
  counts.asked += sum.through_the_gate;
  counts.served = sum.served;
  counts.in_use_time = sum.in_use_time;
  return counts;
}

// The sum of all slots' accounts.
Served Pool::served(Time now) const {
  Served sum;
  for (std::uint32_t i = 0; i < slots_used_; ++i) {
    const Slot &slot = slots_[i];
    const Holds holds = slot.account.read(window_.number());
    sum.through_the_gate += holds.begun - slot.handed_out_in_line;
    sum.served += holds.ended - slot.not_served;
    sum.hold_sum += holds.sum - slot.not_served_time;
    sum.hold_least = std::min(sum.hold_least, holds.least);
    sum.hold_most = std::max(sum.hold_most, holds.most);
    sum.in_use_time += holds.sum;
    if (holds.under_way())
      sum.in_use_time += std::max(Duration::zero(), now - holds.since);
  }
  // Who gives back has read the clock a little before: a look meanwhile has counted longer.
  sum.in_use_time = in_use_time_told_ = std::max(in_use_time_told_, sum.in_use_time);
  return sum;
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
  while (highest_.size() > 1 && highest_.front().until + plan_.idle_timeout <= now)
    highest_.pop_front();
  shut_gate();
  window_.levels(now, levels());
  pl_observation seen = window_.take(now, oldest_wait(now), served(now));
  open_gate();
  seen.plan = to_abi(plan_);
  return seen;
}

std::vector<WaitingRequest> Pool::take_asks(Time now) {
  std::vector<WaitingRequest> asks;
  if (!admits_)
    return asks;
  const Levels level = levels();
  for (const auto [waiter, ahead] : line_.take_newcomers()) {
    pl_ask shown{};
    shown.struct_size = sizeof shown;
    shown.ahead = ahead;
    shown.now = now.time_since_epoch().count();
    shown.asked = waiter->asked.time_since_epoch().count();
    shown.deadline = waiter->deadline.time_since_epoch().count();
    shown.open = level.open;
    shown.idle = level.idle;
    shown.in_use = level.in_use;
    shown.connecting = level.connecting;
    shown.waiting = level.waiting;
    waiter->route.copy(shown.route, sizeof shown.route - 1);
    asks.push_back({waiter->request, shown});
  }
  return asks;
}

// ---- steps -------------------------------------------------------------------

void Pool::hand_out_idle(Time now, const Waiter &waiter, Actions &out) {
  Slot &slot = slot_at(idle_.back());
  idle_.pop_back();
  slot.account.begin(now);
  ++slot.handed_out_in_line;
  slot.holder = waiter.request;
  slot.asked = waiter.asked;
  slot.deadline = waiter.deadline;
  slot.route = waiter.route;
  slot.waited = now - waiter.asked;
  window_.handed_out(slot.waited);
  out.emplace_back(Serve{waiter.request, slot.connection, slot.waited});
}

void Pool::turn_away(Time now, const Waiter &waiter, Refusal why, Outcome how, Actions &out) {
  const Duration waited = now - waiter.asked;
  window_.ended(how, waiter.asked, waited, Duration::zero());
  out.emplace_back(Refuse{waiter.request, why, waited});
}

void Pool::refuse(Time now, const Waiter &waiter, Refusal why, Outcome how, Actions &out) {
  turn_away(now, waiter, why, how, out);
  line_.leave(waiter.request);
}

void Pool::refuse_all(Time now, Refusal why, Actions &out) {
  while (!line_.empty())
    refuse(now, line_.front(), why, Outcome::refused, out);
}

Slot *Pool::find(ConnectionId connection, Slot::State state) {
  const SlotIndex place = slot_of(connection);
  if (place >= POOL_LAB_MAX_SIZE)
    return nullptr;
  Slot &slot = slot_at(place);
  return slot.connection == connection && slot.state == state ? &slot : nullptr;
}

Slot *Pool::find_held(ConnectionId connection) {
  Slot *const slot = find(connection, Slot::State::open);
  return slot != nullptr && (slot->came_late || slot->account.under_way()) ? slot : nullptr;
}

// Answers how long it was. One that came late has ended already.
Duration Pool::end_hold(Time now, Slot &slot, bool well) {
  const Duration held =
      slot.came_late ? slot.account.last() : slot.account.end(now, window_.number(), well);
  slot.came_late = false;
  if (!well) {
    ++slot.not_served;
    slot.not_served_time += held;
  }
  return held;
}

void Pool::rest(Time now, Slot &slot) {
  slot.account.rest(now);
  idle_.push_back(slot_of(slot.connection));
}

void Pool::close_idle(std::size_t place, Actions &out) {
  Slot &slot = slot_at(idle_[place]);
  idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(place));
  close(slot, out);
}

void Pool::close(Slot &slot, Actions &out) {
  out.emplace_back(Close{slot.connection});
  vacate(slot);
  --open_;
  window_.closed();
}

void Pool::vacate(Slot &slot) {
  slot.state = Slot::State::empty;
  free_.push_back(slot_of(slot.connection));
}

// Hand-outs that can still happen without anyone giving back. While connects fail, none is
// in sight but by the next try; that one needs somebody to wait for it, or there is none.
std::uint32_t Pool::free_room(Time now) const {
  const std::uint32_t limit = std::min(plan_.max_in_use, max_open());
  const std::uint32_t held = in_use();
  const std::uint32_t room = limit > held ? limit - held : 0;
  if (trouble_ == Trouble::none)
    return room;
  return connecting_ == 0 && now >= connect_after_ ? std::min(room, 1U) : 0;
}

// The last connect error during a wait, or not long before it, is its cause, where a connection
// more would have served it: a pool that waits for a server at its ceiling is not a
// pool that is too small. A pool that has all it may have is its own cause.
Refusal Pool::why_timed_out(const Waiter &waiter) const {
  if (open_ >= std::min(plan_.max_in_use, max_open()))
    return Refusal::timed_out;
  const Duration before = trouble_ == Trouble::none ? Duration::zero() : remembered;
  if (last_error_ == Trouble::none || last_error_at_ + before < waiter.asked)
    return Refusal::timed_out;
  return last_error_ == Trouble::too_many ? Refusal::too_many_connections : Refusal::db_unavailable;
}

} // namespace lab::pool
