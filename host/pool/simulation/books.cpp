#include "host/pool/simulation/books.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

namespace lab::pool::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The back-off as promised: at most five connects a second at a dead server, the next
// try within a second; up to a quarter is jitter.
constexpr Duration first_pause = milliseconds(200);
constexpr Duration longest_pause = milliseconds(500);
// How long an error is the cause of later waits, while no connect goes well.
constexpr Duration remembered = seconds(10);
// How late an idle connection may be found to be past its lifetime.
constexpr Duration sweep = seconds(1);

template <class T> void take_out(std::vector<T> &from, T one) {
  const auto found = std::find(from.begin(), from.end(), one);
  if (found != from.end())
    from.erase(found);
}

std::uint64_t number(RequestId request) {
  return static_cast<std::uint64_t>(request);
}
std::uint64_t number(ConnectionId connection) {
  return static_cast<std::uint64_t>(connection);
}

} // namespace

template <class... Args> void Books::require(bool holds, const char *rule, Args... about) {
  if (!holds)
    throw Wrong{fmt::format(fmt::runtime(rule), about...)};
}

Books::Books(const Plan &plan, std::uint32_t most_samples) : plan_(plan), window_(most_samples) {
  limits_.push_back({plan.max_in_use, Time::max()});
}

std::string Books::check(const Event &event, const Told &told, const Pool &pool) {
  try {
    now_ = event.now;
    event_ = {};
    take_in(event);
    for (const Action &action : told.actions)
      std::visit([&](const auto &one) { carry_out(one); }, action);
    window_.levels(now_, levels());
    if (event.kind == Kind::observe)
      check_observation(told.seen);
    else if (event.kind == Kind::take_asks)
      check_asks(told.asks);
    else if (event.kind == Kind::stray)
      require(told.actions.empty(), "something happens about c{}, which is not there",
              number(event.connection));
    else if (!told.through_the_gate)
      check_settled();
    check_rest(pool);
    return window_.compare(pool.counts(now_));
  } catch (const Wrong &wrong) {
    return wrong.what;
  }
}

// ---- what an event means -------------------------------------------------------

void Books::take_in(const Event &e) {
  switch (e.kind) {
  case Kind::acquire: {
    window_.asked();
    event_.newcomer = e.request;
    event_.room_at_least = room(max_open_at_least(), quiet_until_at_most_);
    event_.room_at_most = room(max_open_at_most(), quiet_until_at_least_);
    event_.at_once = !idle_.empty() && in_use() < plan_.max_in_use && !shut_;
    for (const RequestId waiting : line_)
      event_.ahead += requests_.at(waiting).deadline > now_ ? 1 : 0;
    Request request;
    request.asked = now_;
    request.own_deadline = e.deadline;
    request.deadline = std::min(e.deadline, now_ + plan_.wait_timeout);
    requests_.emplace(e.request, request);
    line_.insert(plan_.order == Order::lifo ? line_.begin() : line_.end(), e.request);
    break;
  }
  case Kind::release:
  case Kind::release_failed: {
    end_hold(e.connection, e.kind == Kind::release ? Outcome::served : Outcome::failed);
    came_back(e.connection);
    break;
  }
  case Kind::broke_in_use:
    end_hold(e.connection, Outcome::failed);
    slow_start_ = 1;
    event_.connection = e.connection;
    event_.closing = Closing::must;
    break;
  case Kind::broke_idle:
    take_out(idle_, e.connection);
    slow_start_ = 1;
    event_.connection = e.connection;
    event_.closing = Closing::must;
    break;
  case Kind::dead_at_checkout: {
    const RequestId holder = connections_.at(e.connection).holder;
    slow_start_ = 1;
    take_out(held_, e.connection);
    event_.connection = e.connection;
    event_.closing = Closing::must;
    if (!idle_.empty() && in_use() < plan_.max_in_use && !shut_)
      event_.gets_another = holder;
    Request &request = requests_.at(holder);
    request.is = Request::Is::waiting;
    request.own_deadline = request.deadline; // it is not armed again
    request.has_verdict = request.asked_about = true;
    line_.insert(line_.begin(), holder);
    break;
  }
  case Kind::connected: {
    Connection &connection = connections_.at(e.connection);
    take_out(connecting_, e.connection);
    window_.connected(now_ - connection.since);
    trouble_ = Trouble::none;
    pause_ = {};
    quiet_until_at_least_ = quiet_until_at_most_ = now_;
    slow_start_ = std::min<std::uint32_t>(slow_start_ * 2, POOL_LAB_MAX_SIZE);
    connection.retires_before = now_ + plan_.max_lifetime;
    connection.retires_after = connection.retires_before - plan_.max_lifetime / 10;
    came_back(e.connection);
    break;
  }
  case Kind::connect_failed:
  case Kind::connect_refused: {
    const bool refused = e.kind == Kind::connect_refused;
    take_out(connecting_, e.connection);
    connections_.erase(e.connection);
    window_.connect_failed(refused);
    trouble_ = refused ? Trouble::refused : Trouble::down;
    last_error_ = trouble_;
    last_error_at_ = now_;
    slow_start_ = 1;
    pause_ = pause_ == Duration::zero() ? first_pause : std::min(pause_ * 2, longest_pause);
    quiet_until_at_least_ = now_ + pause_;
    quiet_until_at_most_ = now_ + pause_ + pause_ / 4;
    break;
  }
  case Kind::cancel_waiting: {
    const Request &request = requests_.at(e.request);
    window_.ended(Outcome::cancelled, request.asked, now_ - request.asked, Duration::zero());
    over(e.request);
    break;
  }
  case Kind::admit_refuse:
    event_.refused_by_verdict = e.request;
    break;
  case Kind::admit_front:
  case Kind::admit_back: {
    Request &request = requests_.at(e.request);
    request.has_verdict = true;
    request.deadline = std::min(request.own_deadline, request.asked + e.verdict.wait);
    take_out(line_, e.request);
    line_.insert(e.kind == Kind::admit_front ? line_.begin() : line_.end(), e.request);
    break;
  }
  case Kind::plan:
  case Kind::fresh_plan:
    take_in_plan(e);
    break;
  case Kind::tick:
    wake_ = Time::max();
    break;
  case Kind::shut_down:
    shut_ = true;
    break;
  case Kind::cancel_other:
  case Kind::admit_keep:
  case Kind::admit_late:
  case Kind::observe:
  case Kind::take_asks:
  case Kind::stray:
    break; // nothing of theirs may change anything
  }
}

void Books::take_in_plan(const Event &e) {
  if (e.kind == Kind::fresh_plan)
    limits_.clear();
  if (!limits_.empty())
    limits_.back().until = now_;
  limits_.push_back({e.plan.max_in_use, Time::max()});
  if (e.plan.order != plan_.order)
    put_in_order(e.plan.order);
  if (e.plan.wait_timeout != plan_.wait_timeout) {
    for (const RequestId waiting : line_) {
      Request &request = requests_.at(waiting);
      const Time planned = std::min(request.own_deadline, request.asked + e.plan.wait_timeout);
      request.deadline = request.has_verdict ? std::min(request.deadline, planned) : planned;
    }
  }
  plan_ = e.plan;
  admits_ = e.admits;
}

// Those without a verdict by the time they came, which is the order of their numbers; the
// others keep their places.
void Books::put_in_order(Order order) {
  std::vector<RequestId> unjudged;
  const auto judged = [this](RequestId request) { return requests_.at(request).has_verdict; };
  std::remove_copy_if(line_.begin(), line_.end(), std::back_inserter(unjudged), judged);
  std::sort(unjudged.begin(), unjudged.end());
  if (order == Order::lifo)
    std::reverse(unjudged.begin(), unjudged.end());
  auto next = unjudged.begin();
  for (RequestId &place : line_)
    if (!judged(place))
      place = *next++;
}

void Books::end_hold(ConnectionId connection, Outcome how) {
  const Connection &one = connections_.at(connection);
  const Request &request = requests_.at(one.holder);
  window_.ended(how, request.asked, request.waited, now_ - one.since);
  requests_.at(one.holder).is = Request::Is::over;
  take_out(held_, connection);
}

// A connection is free: to be handed out, or to be closed.
void Books::came_back(ConnectionId connection) {
  Connection &one = connections_.at(connection);
  const std::size_t size = connections_.size();
  event_.connection = connection;
  if (shut_ || size > max_open_at_most() || now_ >= one.retires_before)
    event_.closing = Closing::must;
  else if (size > max_open_at_least() || now_ >= one.retires_after)
    event_.closing = Closing::may;
  one.is = Connection::Is::idle;
  one.since = now_;
  idle_.push_back(connection);
}

void Books::over(RequestId request) {
  requests_.at(request).is = Request::Is::over;
  take_out(line_, request);
}

// ---- what an action means, and whether it is right --------------------------------

void Books::carry_out(const Connect &a) {
  require(!shut_, "c{} connects after the pool was shut down", number(a.connection));
  require(!connections_.contains(a.connection) && number(a.connection) > last_connection_,
          "c{} was used before", number(a.connection));
  require(connecting_.size() < wanted_connects(), "c{} connects for nobody", number(a.connection));
  require(connecting_.size() < allowed_connects(),
          "c{} is one connect under way too many: {} allowed", number(a.connection),
          allowed_connects());
  require(connections_.size() < max_open_at_most(), "c{} would be over max_open",
          number(a.connection));
  require(now_ >= quiet_until_at_least_, "c{} connects though the pool must back off",
          number(a.connection));
  last_connection_ = number(a.connection);
  Connection connection;
  connection.since = now_;
  connections_.emplace(a.connection, connection);
  connecting_.push_back(a.connection);
}

void Books::carry_out(const Close &a) {
  const auto found = connections_.find(a.connection);
  require(found != connections_.end(), "c{} is closed twice", number(a.connection));
  const bool of_the_event = event_.connection == a.connection;
  const bool resting = std::find(idle_.begin(), idle_.end(), a.connection) != idle_.end();
  if (!of_the_event || event_.closing == Closing::must_not) {
    const Connection &one = found->second;
    require(resting, "c{} is closed though it is not at rest", number(a.connection));
    const bool old = now_ >= one.retires_after;
    const bool unused = idle_.size() > plan_.min_idle && now_ >= one.since + plan_.idle_timeout;
    const bool surplus = connections_.size() > max_open_at_least();
    require(shut_ || old || unused || surplus, "c{} is closed without a reason",
            number(a.connection));
    require(shut_ || old || idle_.front() == a.connection,
            "c{} is closed though another has rested longer", number(a.connection));
  }
  take_out(idle_, a.connection);
  connections_.erase(found);
  window_.closed();
}

void Books::carry_out(const Serve &a) {
  const auto found = requests_.find(a.request);
  require(found != requests_.end() && found->second.is == Request::Is::waiting,
          "r{} is served though it does not wait", number(a.request));
  Request &request = found->second;
  require(!shut_, "r{} is served after the pool was shut down", number(a.request));
  require(event_.newcomer == a.request || event_.gets_another == a.request ||
              request.deadline > now_,
          "r{} is served though its deadline has passed", number(a.request));
  require(line_.front() == a.request, "r{} is served before r{}, who is first in line",
          number(a.request), number(line_.front()));
  require(in_use() < plan_.max_in_use, "r{} is served above max_in_use", number(a.request));
  require(std::find(held_.begin(), held_.end(), a.connection) == held_.end(),
          "r{} is served with c{}, which another holds", number(a.request), number(a.connection));
  require(!idle_.empty() && idle_.back() == a.connection,
          "r{} is served with c{}, which is dead, or not the newest at rest", number(a.request),
          number(a.connection));
  require(a.waited == now_ - request.asked, "r{} waited {} ns, not {}", number(a.request),
          (now_ - request.asked).count(), a.waited.count());
  line_.erase(line_.begin());
  idle_.pop_back();
  request.is = Request::Is::holding;
  request.connection = a.connection;
  request.waited = a.waited;
  Connection &connection = connections_.at(a.connection);
  connection.is = Connection::Is::held;
  connection.since = now_;
  connection.holder = a.request;
  held_.push_back(a.connection);
  window_.served(a.waited);
}

void Books::carry_out(const Refuse &a) {
  const auto found = requests_.find(a.request);
  require(found != requests_.end() && found->second.is == Request::Is::waiting,
          "r{} is refused though it does not wait", number(a.request));
  const Request &request = found->second;
  require(a.waited == now_ - request.asked, "r{} waited {} ns, not {}", number(a.request),
          (now_ - request.asked).count(), a.waited.count());
  const Outcome how = judge(a, request);
  // Nobody may wait by the plan; a connection more would have served it.
  event_.missed_one = event_.newcomer == a.request && how == Outcome::timed_out &&
                      request.own_deadline > now_ && request.deadline == now_;
  window_.ended(how, request.asked, a.waited, Duration::zero());
  over(a.request);
}

// Whether a refusal is right, and as what it counts.
Outcome Books::judge(const Refuse &a, const Request &request) const {
  const bool newcomer = event_.newcomer == a.request;
  const bool nothing = trouble_ == Trouble::down && open() == 0;
  switch (a.why) {
  case Refusal::draining:
    require(shut_, "r{} is refused as draining, but nobody shut down", number(a.request));
    return Outcome::refused;
  case Refusal::rejected:
    require(event_.refused_by_verdict == a.request ||
                (newcomer && !event_.at_once &&
                 event_.ahead + 1 > event_.room_at_least + plan_.max_waiting),
            "r{} is rejected though there is a place in line", number(a.request));
    return Outcome::refused;
  case Refusal::db_unavailable:
    if (nothing && (newcomer || request.deadline > now_))
      return Outcome::refused;
    break;
  case Refusal::timed_out:
  case Refusal::too_many_connections:
    break;
  }
  require(request.deadline <= now_, "r{} times out {} ns before its deadline", number(a.request),
          (request.deadline - now_).count());
  const Duration before = trouble_ == Trouble::none ? Duration::zero() : remembered;
  const Trouble error = last_error_at_ + before >= request.asked ? last_error_ : Trouble::none;
  const Refusal cause = error == Trouble::down      ? Refusal::db_unavailable
                        : error == Trouble::refused ? Refusal::too_many_connections
                                                    : Refusal::timed_out;
  if (open() >= std::min(plan_.max_in_use, max_open_at_most()))
    require(a.why == Refusal::timed_out, "r{} blames the server, but the pool has all it may have",
            number(a.request));
  else if (open() < std::min(plan_.max_in_use, max_open_at_least()))
    require(a.why == cause, "r{} times out with the wrong cause", number(a.request));
  return Outcome::timed_out;
}

// ---- what holds after every event --------------------------------------------------

void Books::carry_out(const WakeAt &a) {
  wake_ = std::min(wake_, a.at);
}

// After every event but those that only look.
void Books::check_settled() const {
  for (const RequestId waiting : line_)
    require(requests_.at(waiting).deadline > now_, "r{} still waits at its deadline",
            number(waiting));
  require(line_.empty() || idle_.empty() || in_use() >= plan_.max_in_use,
          "r{} waits beside an idle connection", line_.empty() ? 0 : number(line_.front()));
  require(!shut_ || (line_.empty() && idle_.empty()),
          "somebody waits, or a connection rests, after the shut-down");
  require(trouble_ != Trouble::down || open() > 0 || line_.empty(),
          "somebody waits though nothing is open and connects fail");
  require(idle_.empty() || connections_.size() <= max_open_at_most(),
          "an idle connection is over max_open and stays");
  if (idle_.size() > plan_.min_idle)
    require(connections_.at(idle_.front()).since + plan_.idle_timeout > now_,
            "c{} rests longer than idle_timeout", number(idle_.front()));
  // What comes to rest in the gate is found by the next sweep; the others at once.
  if (idle_.size() > plan_.min_idle)
    require(wake_ <= std::max(now_, connections_.at(idle_.front()).since + plan_.idle_timeout),
            "no tick is asked for when an idle connection is to close");
  for (const ConnectionId resting : idle_)
    require(connections_.at(resting).retires_before + sweep > now_,
            "c{} rests longer than max_lifetime", number(resting));
  check_newcomer();
  check_connects();
}

void Books::check_newcomer() const {
  if (event_.gets_another)
    require(requests_.at(*event_.gets_another).is == Request::Is::holding,
            "r{} is not served though a connection rests", number(*event_.gets_another));
  if (!event_.newcomer)
    return;
  const Request &request = requests_.at(*event_.newcomer);
  require(!event_.at_once || request.is == Request::Is::holding,
          "r{} is not served though a connection rests", number(*event_.newcomer));
  if (request.is != Request::Is::waiting)
    return;
  require(event_.ahead + 1 <= event_.room_at_most + plan_.max_waiting,
          "r{} waits though the line is full", number(*event_.newcomer));
  const bool ask = admits_ || plan_.look_when_waiting;
  require(event_.asked_strategy == (ask ? 1U : 0U), "the strategy is asked about r{} {} times",
          number(*event_.newcomer), event_.asked_strategy);
}

// Nobody waits for a connect that nobody makes.
void Books::check_connects() const {
  if (shut_ || now_ < quiet_until_at_most_ || connections_.size() >= max_open_at_least())
    return;
  require(connecting_.size() >= std::min(wanted_connects(), allowed_connects()),
          "{} connects are wanted and {} under way", wanted_connects(), connecting_.size());
}

void Books::check_rest(const Pool &pool) const {
  if (event_.connection && event_.closing == Closing::must)
    require(!connections_.contains(*event_.connection), "c{} is of no more use, and is not closed",
            number(*event_.connection));
  if (event_.refused_by_verdict)
    require(requests_.at(*event_.refused_by_verdict).is == Request::Is::over,
            "r{} goes on though the strategy refused it", number(*event_.refused_by_verdict));
  const Levels is = pool.levels();
  const Levels must = levels();
  require(is.open == must.open && is.idle == must.idle && is.in_use == must.in_use &&
              is.connecting == must.connecting && is.waiting == must.waiting,
          "the pool says {} idle, {} in use, {} connecting, {} waiting; it is {}, {}, {}, {}",
          is.idle, is.in_use, is.connecting, is.waiting, must.idle, must.in_use, must.connecting,
          must.waiting);
  require(pool.plan() == plan_, "another plan is in force");
  require(pool.max_open() >= max_open_at_least() && pool.max_open() <= max_open_at_most(),
          "max_open is {}, must be from {} to {}", pool.max_open(), max_open_at_least(),
          max_open_at_most());
  require(pool.oldest_wait(now_) == oldest_wait(), "the oldest wait is {} ns, must be {}",
          pool.oldest_wait(now_).count(), oldest_wait().count());
  check_wake();
}

// Whatever must happen by itself has a tick ahead.
void Books::check_wake() const {
  require(wake_ <= earliest_deadline(), "no tick is asked for when a wait ends");
  if (!shut_ && trouble_ != Trouble::none && connecting_.empty() && wanted_connects() > 0 &&
      connections_.size() < max_open_at_least() && allowed_connects() > 0)
    require(wake_ <= std::max(now_, quiet_until_at_most_),
            "no tick is asked for when the back-off ends");
  if (open() > 0)
    require(wake_ <= now_ + sweep, "no tick is asked for to look over idle connections");
}

void Books::check_observation(const pl_observation &seen) {
  const std::string wrong = window_.compare(seen, now_, oldest_wait());
  require(wrong.empty(), "{}", wrong);
  // A look is the moment to forget what is older than idle_timeout.
  std::erase_if(limits_, [&](const Limit &limit) {
    return limit.until != Time::max() && limit.until + plan_.idle_timeout <= now_;
  });
}

void Books::check_asks(const std::vector<WaitingRequest> &asks) {
  auto next = asks.begin();
  std::uint32_t ahead = 0;
  for (const RequestId waiting : line_) {
    Request &request = requests_.at(waiting);
    if (admits_ && !request.asked_about) {
      require(next != asks.end() && next->request == waiting && next->shown.ahead == ahead,
              "the strategy is not asked about r{}", number(waiting));
      require(next->shown.deadline == request.deadline.time_since_epoch().count(),
              "the strategy is shown another deadline of r{}", number(waiting));
      request.asked_about = true;
      ++next;
    }
    ++ahead;
  }
  require(next == asks.end(), "the strategy is asked about somebody a second time");
}

// ---- sums -----------------------------------------------------------------------

Levels Books::levels() const {
  return {open(), static_cast<std::uint32_t>(idle_.size()), in_use(),
          static_cast<std::uint32_t>(connecting_.size()), static_cast<std::uint32_t>(line_.size())};
}

std::uint32_t Books::max_open_at_least() const {
  if (plan_.max_open)
    return std::min(plan_.share, *plan_.max_open);
  std::uint32_t highest = 0;
  for (const Limit &limit : limits_)
    if (limit.until == Time::max() || limit.until + plan_.idle_timeout > now_)
      highest = std::max(highest, limit.max_in_use);
  return std::min(plan_.share, highest);
}

std::uint32_t Books::max_open_at_most() const {
  if (plan_.max_open)
    return std::min(plan_.share, *plan_.max_open);
  std::uint32_t highest = 0;
  for (const Limit &limit : limits_)
    highest = std::max(highest, limit.max_in_use);
  return std::min(plan_.share, highest);
}

// Hand-outs in sight without anybody's giving back: while connects fail, that of the next try.
std::uint32_t Books::room(std::uint32_t max_open, Time quiet_until) const {
  const std::uint32_t limit = std::min(plan_.max_in_use, max_open);
  const std::uint32_t room = limit > in_use() ? limit - in_use() : 0;
  if (trouble_ == Trouble::none)
    return room;
  return connecting_.empty() && now_ >= quiet_until ? std::min(room, 1U) : 0;
}

std::uint32_t Books::wanted_connects() const {
  const std::uint32_t may = plan_.max_in_use > in_use() ? plan_.max_in_use - in_use() : 0;
  const auto waiting = static_cast<std::uint32_t>(line_.size());
  const auto resting = static_cast<std::uint32_t>(idle_.size());
  const std::uint32_t missed = event_.missed_one ? 1 : 0;
  std::uint32_t wanted = resting > 0 ? 0 : std::min(waiting + missed, may);
  if (plan_.min_idle > resting)
    wanted += plan_.min_idle - resting;
  const bool prober = trouble_ == Trouble::down && open() == 0;
  return prober ? std::max<std::uint32_t>(wanted, 1) : wanted;
}

std::uint32_t Books::allowed_connects() const {
  return std::min(plan_.max_connecting, slow_start_);
}

Duration Books::oldest_wait() const {
  Duration oldest{};
  for (const RequestId waiting : line_)
    oldest = std::max(oldest, now_ - requests_.at(waiting).asked);
  return oldest;
}

Time Books::earliest_deadline() const {
  Time earliest = Time::max();
  for (const RequestId waiting : line_)
    earliest = std::min(earliest, requests_.at(waiting).deadline);
  return earliest;
}

const Request *Books::find(RequestId request) const {
  const auto found = requests_.find(request);
  return found == requests_.end() ? nullptr : &found->second;
}

} // namespace lab::pool::simulation
