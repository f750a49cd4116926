#include "host/pool/simulation/schedule.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace lab::pool::simulation {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// How often each kind comes in a plain mood, in the order of Kind.
constexpr std::array<int, kinds> plain = {24, 16, 3, 2, 2, 3, 14, 3, 3, 3, 1, 1,
                                          2,  2,  1, 1, 4, 2, 6,  2, 2, 2, 1};

// With many samples, most requests must be told to the window, and few go through the gate.
std::uint32_t most_samples(std::uint64_t seed) {
  constexpr std::array<std::uint32_t, 4> some = {0, 0, 5, POOL_LAB_MAX_SAMPLES};
  return some.at(seed % some.size());
}

} // namespace

Schedule::Schedule(std::uint64_t seed, int events)
    : random_(seed * 0x9E3779B97F4A7C15ULL + 1), events_(events), most_samples_(most_samples(seed)),
      pool_(seed, most_samples_), books_(Plan{}, most_samples_) {
  draw_mood();
}

void Schedule::draw_mood() {
  constexpr std::array<int, 6> factors = {0, 1, 1, 1, 3, 8};
  for (std::size_t k = 0; k < kinds; ++k)
    mood_.weights.at(k) = plain.at(k) * factors.at(random_.below(factors.size()));
  mood_.weights[static_cast<std::size_t>(Kind::acquire)] += 6;
  mood_.weights[static_cast<std::size_t>(Kind::connected)] += one_in(4) ? 0 : 3;
  for (const int weight : mood_.weights)
    mood_.all_weights += weight;
  mood_.largest = 1 + below(one_in(4) ? 12 : 4);
  constexpr std::array<Duration, 5> scales = {Duration(microseconds(1)), microseconds(100),
                                              milliseconds(1), milliseconds(20), milliseconds(300)};
  mood_.scale = scales.at(random_.below(scales.size()));
  mood_.punctual = !one_in(4);
  mood_.shuts_down = one_in(5);
}

std::string Schedule::run(Coverage &coverage, std::string *trace) {
  coverage_ = &coverage;
  trace_ = trace;
  Event first;
  first.kind = Kind::fresh_plan;
  first.plan = some_plan();
  bool well = tell(first);
  const int last = mood_.shuts_down ? events_ - 1 - below(40) : events_;
  bool shut = false;
  while (well && told_ < events_) {
    if (told_ >= last && !shut) {
      Event end;
      end.kind = Kind::shut_down;
      end.now = now_;
      shut = true;
      well = tell(end);
      continue;
    }
    well = let_time_pass() && tell(next());
  }
  if (well && !shut)
    well = calm_down();
  return broken_;
}

bool Schedule::tell(const Event &event) {
  now_ = event.now;
  coverage_->count(event.kind, state_of(books_));
  if (trace_ != nullptr)
    *trace_ += text_of(event) + '\n';
  told_now_.actions.clear();
  told_now_.asks.clear();
  told_now_.through_the_gate = false;
  simulation::tell(pool_, event, told_now_);
  ++told_;
  if (trace_ != nullptr)
    for (const Action &action : told_now_.actions)
      *trace_ += "                 -> " + text_of(action) + '\n';
  broken_ = books_.check(event, told_now_, pool_);
  if (!broken_.empty() && trace_ != nullptr)
    *trace_ += "                 !! " + broken_ + '\n';
  return broken_.empty();
}

// Mostly none or a little; now and then to the very moment that something is due, or
// one nanosecond before it.
bool Schedule::let_time_pass() {
  Time until = now_;
  const int how = below(20);
  if (how < 8)
    return true;
  if (how < 16) {
    until += Duration(random_.below(static_cast<std::uint64_t>(mood_.scale.count())));
  } else if (how < 19) {
    const Time due = one_in(2) ? books_.earliest_deadline() : books_.wake();
    if (due == Time::max() || due > now_ + seconds(5))
      return true;
    until = std::max(now_, due - Duration(one_in(3) ? 1 : 0));
  } else {
    until += milliseconds(below(3000));
  }
  if (mood_.punctual) {
    while (books_.wake() <= until) {
      Event tick;
      tick.now = std::max(now_, books_.wake());
      if (!tell(tick))
        return false;
    }
  }
  now_ = until;
  return true;
}

Event Schedule::next() {
  Event event;
  event.now = now_;
  do {
    int at = below(mood_.all_weights);
    std::size_t kind = 0;
    while (at >= mood_.weights.at(kind))
      at -= mood_.weights.at(kind++);
    event.kind = static_cast<Kind>(kind);
  } while (!fill_in(event));
  return event;
}

// Chooses whom it is about; false: nobody is there for it.
bool Schedule::fill_in(Event &e) {
  switch (e.kind) {
  case Kind::acquire:
    e.request = RequestId{++last_request_};
    e.gate_first = !one_in(8);
    e.deadline = now_ + (one_in(3) ? some_time() : Duration(hours(1)));
    return true;
  case Kind::release:
  case Kind::release_failed:
  case Kind::broke_in_use:
  case Kind::dead_at_checkout:
    if (books_.held().empty())
      return false;
    e.gate_first = e.kind == Kind::release && !one_in(8);
    // What has just been handed out is found dead; the oldest hold ends, mostly.
    e.connection = e.kind == Kind::dead_at_checkout ? books_.held().back()
                   : one_in(3)                      ? any(books_.held())
                                                    : books_.held().front();
    return true;
  case Kind::broke_idle:
    if (books_.idle().empty())
      return false;
    e.connection = any(books_.idle());
    return true;
  case Kind::connected:
  case Kind::connect_failed:
  case Kind::connect_refused:
    if (books_.connecting().empty())
      return false;
    e.connection = any(books_.connecting());
    return true;
  case Kind::cancel_waiting:
  case Kind::admit_keep:
  case Kind::admit_front:
  case Kind::admit_back:
  case Kind::admit_refuse:
    if (books_.line().empty())
      return false;
    e.request = any(books_.line());
    e.verdict.kind = e.kind == Kind::admit_refuse ? Verdict::Kind::refuse
                     : e.kind == Kind::admit_keep ? Verdict::Kind::keep
                                                  : Verdict::Kind::wait;
    e.verdict.at_front = e.kind == Kind::admit_front;
    e.verdict.wait = some_time();
    return true;
  case Kind::cancel_other:
  case Kind::admit_late: {
    e.request = RequestId{1 + random_.below(last_request_ + 2)};
    const Request *request = books_.find(e.request);
    e.verdict.kind = one_in(2) ? Verdict::Kind::refuse : Verdict::Kind::wait;
    return request == nullptr || request->is != Request::Is::waiting;
  }
  case Kind::plan:
  case Kind::fresh_plan:
    e.plan = some_plan();
    e.admits = one_in(3);
    return true;
  case Kind::stray: {
    e.flavour = static_cast<unsigned>(below(5));
    const bool about_held = e.flavour == 0 || e.flavour == 1;
    const bool about_connecting = e.flavour == 2 || e.flavour == 3;
    e.connection = ConnectionId{1'000'000 + random_.below(3)};
    if (!about_held && !books_.held().empty() && e.flavour != 4 && one_in(2))
      e.connection = any(books_.held());
    if (!about_connecting && !books_.connecting().empty() && one_in(2))
      e.connection = any(books_.connecting());
    if (e.flavour != 4 && !books_.idle().empty() && one_in(2))
      e.connection = any(books_.idle());
    return true;
  }
  case Kind::tick:
  case Kind::observe:
  case Kind::take_asks:
    return true;
  case Kind::shut_down:
    return books_.shut(); // once more; the first time, run() says
  }
  return false;
}

Duration Schedule::some_time() {
  constexpr std::array<Duration, 6> times = {Duration(0),      Duration(1), milliseconds(1),
                                             milliseconds(50), seconds(1),  hours(1)};
  return times.at(random_.below(times.size()));
}

Plan Schedule::some_plan() {
  const auto size = [&](int most) { return static_cast<std::uint32_t>(below(most + 1)); };
  Plan plan = plan_;
  // Now and then everything is new; else one or two things of the plan in force move.
  const bool all = one_in(3) || told_ == 0;
  const auto moves = [&](int n) { return all || one_in(n); };
  if (moves(2))
    plan.max_in_use = one_in(8) ? 0 : 1 + size(mood_.largest - 1);
  if (moves(4))
    plan.max_open = one_in(2) ? std::optional<std::uint32_t>() : size(mood_.largest + 2);
  if (moves(6))
    plan.min_idle = one_in(2) ? 0 : size(3);
  if (moves(6))
    plan.max_connecting = 1 + size(3);
  if (moves(6))
    plan.max_waiting = one_in(2) ? POOL_LAB_MAX_SIZE : size(4);
  if (moves(6))
    plan.order = one_in(3) ? Order::lifo : Order::fifo;
  if (moves(6))
    plan.look_when_waiting = one_in(2);
  if (moves(4))
    plan.wait_timeout = one_in(2) ? Duration(hours(1)) : some_time();
  if (moves(6))
    plan.idle_timeout = std::max<Duration>(milliseconds(1), some_time());
  if (moves(8))
    plan.max_lifetime = seconds(one_in(2) ? 1 + size(3) : 3600);
  if (moves(8))
    plan.share = one_in(2) ? POOL_LAB_MAX_SIZE : 1 + size(mood_.largest);
  plan_ = within_share(plan, plan.share).plan;
  return plan_;
}

// The server answers, holders give back, a roomy plan is in force: then a newcomer is
// served, and as many connections open as the plan allows.
bool Schedule::calm_down() {
  constexpr std::uint32_t room = 3;
  const auto event = [&](Kind kind) {
    Event e;
    e.kind = kind;
    e.now = now_;
    return e;
  };
  Event plan = event(Kind::fresh_plan);
  plan.plan.max_in_use = plan.plan.max_open.emplace(room);
  plan.plan.wait_timeout = hours(1);
  plan.plan.idle_timeout = hours(1);
  plan.plan.max_lifetime = hours(1);
  if (!tell(plan))
    return false;
  std::vector<RequestId> newcomers;
  for (int round = 0; round < 500; ++round) {
    if (!books_.connecting().empty()) {
      Event e = event(Kind::connected);
      e.connection = books_.connecting().front();
      if (!tell(e))
        return false;
    } else if (const auto oldest =
                   std::find_if(books_.held().begin(), books_.held().end(),
                                [&](ConnectionId held) {
                                  return std::find(newcomers.begin(), newcomers.end(),
                                                   books_.at(held).holder) == newcomers.end();
                                });
               oldest != books_.held().end()) {
      Event e = event(Kind::release);
      e.connection = *oldest;
      if (!tell(e))
        return false;
    } else if (newcomers.size() < room) {
      Event e = event(Kind::acquire);
      e.request = RequestId{++last_request_};
      e.deadline = now_ + hours(10);
      newcomers.push_back(e.request);
      if (!tell(e))
        return false;
    } else if (books_.held().size() == room) {
      return true;
    } else {
      now_ = std::max(now_, std::min(books_.wake(), now_ + seconds(1)));
      if (!tell(event(Kind::tick)))
        return false;
      // Who was turned away in the last of an outage asks again.
      std::erase_if(newcomers,
                    [&](RequestId r) { return books_.find(r)->is == Request::Is::over; });
    }
  }
  broken_ =
      fmt::format("when all had calmed down, {} of {} requests were served: capacity was lost",
                  books_.held().size(), room);
  if (trace_ != nullptr)
    *trace_ += "                 !! " + broken_ + '\n';
  return false;
}

} // namespace lab::pool::simulation
