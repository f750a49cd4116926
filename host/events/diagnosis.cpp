#include "host/events/diagnosis.hpp"

#include <algorithm>
#include <array>
#include <ranges>
#include <vector>

#include <fmt/format.h>

namespace lab::host {
namespace {

using namespace std::chrono_literals;
using pool::Duration;

// So long without a sign of life, while somebody waits for one, is none.
constexpr Duration no_sign_of_life = 1s;

// A pool that is full for shorter is one that works well.
constexpr Duration full_for = 1750ms;

// A connect is refused, and tried again after a pause: between them the server is full all the
// same.
constexpr Duration refusal_counts_for = 2s;

// Locks come and go in waves: so long after many waited for them, some that do are still the same
// story.
constexpr Duration wave = 2s;

// A spike is so many times what came before it, and called one for so long.
constexpr double times_more = 3;
constexpr double least_before = 5; // a second: less was no load to compare with

constexpr double busy_share = 0.7; // of all processors

double seconds(Duration d) {
  return std::chrono::duration<double>(d).count();
}

std::string plural(std::uint64_t n, const char *what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

} // namespace

std::string name_of(Cause cause) {
  switch (cause) {
  case Cause::idle:
    return "idle";
  case Cause::well:
    return "well";
  case Cause::unclear:
    return "unclear";
  case Cause::small_pool:
    return "small_pool";
  case Cause::database_busy:
    return "database_busy";
  case Cause::ceiling:
    return "ceiling";
  case Cause::contention:
    return "contention";
  case Cause::frozen:
    return "frozen";
  case Cause::database_away:
    return "database_away";
  case Cause::leak:
    return "leak";
  case Cause::spike:
    return "spike";
  case Cause::paused:
    return "paused";
  }
  return "";
}

// What the looks say together.
class Diagnostician::Finding {
public:
  Finding(const std::deque<Look> &looks, double processors)
      : looks_(looks), now_(looks.back()), processors_(processors) {}

  // What outlasts the looks that are remembered.
  struct Known {
    std::optional<double> before_spike = {}; // requests a second, while there is a spike
    bool full_for_long = false;              // the ceiling has held
    bool just_thawed = false;
  };
  Diagnosis diagnosis(const Known &known) const {
    if (now_.paused)
      return {Cause::paused, fmt::format("The pool is paused, {} waiting: scripts/lab resume "
                                         "lets it go on.",
                                         now_.waiting)};
    if (frozen())
      return {Cause::frozen,
              fmt::format("PostgreSQL answers nothing: {} in use, nothing has come back for {:.0f} "
                          "s, {} waiting. A larger pool would wait too.",
                          connections(now_.in_use), std::max(1.0, seconds(silence())),
                          now_.waiting)};
    if (!now_.database_problem.empty() && !now_.silent)
      return {Cause::database_away,
              fmt::format("The database can't be reached: {}", now_.database_problem)};
    if (const std::uint32_t leaked = leaks(); leaked > 0)
      return {Cause::leak,
              fmt::format("{} in use with nothing running on {}, for {:.0f} s and more: a leak. "
                          "{} waiting. scripts/lab reclaim frees those that are held for a minute.",
                          connections(leaked), leaked == 1 ? "it" : "them",
                          seconds(now_.longest_hold), now_.waiting)};
    if (contention()) // before the ceiling: most of the many there stand in each other's way
      return {Cause::contention,
              fmt::format("{} of {} wait for each other's locks: more connections only make "
                          "longer lines inside PostgreSQL.",
                          locked(now_), plural(now_.in_use, "transaction"))};
    if (ceiling() && known.full_for_long)
      return ceiling_told();
    if (in_trouble())
      return known.before_spike ? spike_told(*known.before_spike) : full_told(known.just_thawed);
    if (asked_lately() == 0 && now_.in_use == 0)
      return {Cause::idle, "Nobody asks for anything: scripts/lab load hold starts a load."};
    return {Cause::well, fmt::format("{:.0f} requests a second, {}, {}.", rate(), used(),
                                     now_.waiting == 0 ? "nobody waits"
                                                       : plural(now_.waiting, "request") +
                                                             " waiting, none for long")};
  }

  std::optional<double> needed_lately() const {
    const bool any = now_.asked != ago(full_for).asked && now_.ended != ago(full_for).ended;
    return any ? std::optional(needed()) : std::nullopt;
  }

  bool ceiling() const {
    if (now_.connects_refused != ago(refusal_counts_for).connects_refused)
      return now_.in_use > 0 || in_trouble(); // else nobody misses what was refused
    return now_.server && now_.waiting > 0 &&
           now_.server->total >= now_.server->max_connections - now_.server->reserved;
  }

  // Nothing has come back from the server for long.
  bool frozen() const {
    return now_.silent || (now_.in_use > 0 && now_.server && silence() >= no_sign_of_life);
  }

  bool in_trouble() const { return now_.waiting > 0 || now_.turned_away != ago(1s).turned_away; }

  // What came before the last second or two, if that was a load and far less.
  std::optional<double> before_a_spike() const {
    std::vector<double> before;
    for (const auto far : {8s, 7s, 6s, 5s, 4s}) {
      if (!looked_for(far))
        return std::nullopt;
      before.push_back(rate_between(ago(far), ago(far - 1s)));
    }
    // A load that has just begun is none to compare with.
    const auto [least, most] = std::minmax_element(before.begin(), before.end());
    const bool steady = *least >= least_before && *most <= 2.5 * *least;
    // Nor is one that had ended when this one began.
    const bool went_on = std::ranges::all_of(std::array<Duration, 2>{3s, 2s}, [&](Duration far) {
      return 2.5 * rate_between(ago(far), ago(far - 1s)) >= *most;
    });
    return steady && went_on && rate() >= times_more * *most ? std::optional(*most) : std::nullopt;
  }

private:
  static std::string connections(std::uint32_t n) { return plural(n, "connection"); }
  std::string used() const {
    return fmt::format("{} of {} connections in use", now_.in_use, now_.limit);
  }

  // The look of so long ago, or the oldest.
  const Look &ago(Duration time) const {
    for (const Look &look : std::views::reverse(looks_))
      if (now_.at - look.at >= time)
        return look;
    return looks_.front();
  }
  bool looked_for(Duration time) const { return now_.at - looks_.front().at >= time; }

  Diagnosis spike_told(double before) const {
    const bool over = rate() < 2 * before;
    return {Cause::spike,
            fmt::format("{:.0f} requests a second, and {:.0f} before{}: {}, {} waiting.", rate(),
                        before, over ? " the spike" : "", used(), now_.waiting)};
  }

  std::uint64_t asked_lately() const { return now_.asked - ago(1s).asked; }
  double rate_between(const Look &from, const Look &to) const {
    const double time = seconds(to.at - from.at);
    return time > 0 ? static_cast<double>(to.asked - from.asked) / time : 0;
  }
  double rate() const { return rate_between(ago(1s), now_); }

  // How long nothing has come back from the server, neither to the pool nor to the watch.
  Duration silence() const {
    pool::Time sign = looks_.front().at;
    for (std::size_t i = 1; i < looks_.size(); ++i)
      if (looks_[i].well != looks_[i - 1].well || looks_[i].in_use == 0)
        sign = looks_[i].at;
    if (now_.server)
      sign = std::max(sign, now_.server->read);
    return now_.at - sign;
  }

  std::uint32_t leaks() const {
    if (!now_.server)
      return 0;
    const auto at_work = static_cast<std::uint32_t>(now_.server->long_at_work);
    return now_.long_holds > at_work ? now_.long_holds - at_work : 0;
  }

  Diagnosis ceiling_told() const {
    if (!now_.server)
      return {Cause::ceiling, "PostgreSQL refuses more connections."};
    const Look::Server &server = *now_.server;
    const int room = server.max_connections - server.reserved;
    return {
        Cause::ceiling,
        fmt::format("{} of PostgreSQL's {} connections for ordinary users are taken, {} by this "
                    "pool, and it refuses more.",
                    std::min(server.total, room), room, now_.open)};
  }

  // The server was read a moment before the pool: some of those may have ended since.
  static std::uint32_t locked(const Look &look) {
    const auto read = static_cast<std::uint32_t>(look.server ? look.server->waiting_for_locks : 0);
    return std::min(read, look.in_use);
  }
  static bool many_locked(const Look &look) {
    return locked(look) >= std::max<std::uint32_t>(3, look.in_use / 3);
  }
  bool contention() const {
    return many_locked(now_) || (locked(now_) >= std::max<std::uint32_t>(3, now_.in_use / 8) &&
                                 std::any_of(looks_.begin(), looks_.end(), [&](const Look &look) {
                                   return now_.at - look.at <= wave && many_locked(look);
                                 }));
  }

  bool full() const { return now_.limit > 0 && now_.in_use >= now_.limit; }

  // In each look for long enough: all in use and some waiting, or some turned away in the second
  // before it.
  bool long_full() const {
    if (!looked_for(full_for))
      return false;
    return std::all_of(looks_.begin(), looks_.end(), [&](const Look &look) {
      return now_.at - look.at > full_for || (look.waiting > 0 && look.in_use >= look.limit) ||
             look.turned_away != ago(now_.at - look.at + 1s).turned_away;
    });
  }

  Diagnosis full_told(bool just_thawed) const {
    // What was held while nothing answered says nothing of what the load needs.
    if (just_thawed)
      return {Cause::unclear, fmt::format("{}, {} waiting: PostgreSQL answers again, and the pool "
                                          "catches up.",
                                          used(), now_.waiting)};
    // Some hold far longer than the others: it is soon known why.
    const bool all_move = now_.longest_hold < 5 * mean_hold() + 500ms;
    if (now_.waiting > 0 && now_.open < now_.limit)
      return {Cause::unclear,
              fmt::format("{}, {} open so far, {} waiting: connections are still being "
                          "opened.",
                          used(), now_.open, now_.waiting)};
    if (!full() || !long_full() || !all_move)
      return {Cause::unclear, fmt::format("{}, {} waiting.", used(), now_.waiting)};
    if (needed() < 0.9 * now_.limit) // what is left of trouble that is over
      return {Cause::unclear, fmt::format("{}, {} waiting: the pool catches up.{}", used(),
                                          now_.waiting, needed_told())};
    const auto cores = now_.server ? now_.server->cores : std::nullopt;
    if (!cores)
      return {
          Cause::unclear,
          fmt::format("{}, {} waiting: the pool is full. Whether the database has room for more "
                      "can't be seen from here.{}",
                      used(), now_.waiting, needed_told())};
    if (*cores >= busy_share * processors_)
      return {Cause::database_busy,
              fmt::format("{}, {} waiting, PostgreSQL's processors {:.0f} % busy: the database is "
                          "the bottleneck, a larger pool would not help.",
                          used(), now_.waiting, busy(*cores))};
    return {Cause::small_pool,
            fmt::format("{}, {} waiting, PostgreSQL's processors {:.0f} % busy: the pool is the "
                        "bottleneck.{}",
                        used(), now_.waiting, busy(*cores), needed_told())};
  }
  double busy(double cores) const { return 100 * cores / processors_; }

  // Of the last ones: their time in use by their number.
  Duration mean_hold() const {
    const Look &before = ago(full_for);
    const auto ended = static_cast<Duration::rep>(now_.ended - before.ended);
    // Those that are held for long say nothing of what the others take.
    const Duration stuck = now_.long_holds * (now_.at - before.at);
    const Duration held = std::max(now_.in_use_time - before.in_use_time - stuck, Duration::zero());
    return ended > 0 ? held / ended : now_.longest_hold;
  }
  // Connections, by Little's law.
  double asked_rate() const { return rate_between(ago(full_for), now_); }
  double needed() const { return asked_rate() * seconds(mean_hold()); }
  std::string needed_told() const {
    return fmt::format(" {:.0f} requests a second that hold one for {:.0f} ms need {:.1f}.",
                       asked_rate(), 1000 * seconds(mean_hold()), needed());
  }

  const std::deque<Look> &looks_;
  const Look &now_;
  const double processors_;
};

Diagnosis Diagnostician::look(const Look &look) {
  looks_.push_back(look);
  while (look.at - looks_.front().at > remembered)
    looks_.pop_front();
  const Finding now(looks_, processors_);
  if (!now.ceiling())
    full_since_.reset();
  else if (!full_since_)
    full_since_ = look.at;
  const bool full = full_since_ && look.at - *full_since_ >= full_before_it_is_told;
  if (now.frozen())
    last_frozen_ = look.at;
  if (!now.in_trouble() || (spike_ && look.at - spike_->since > longest_spike))
    spike_.reset();
  else if (const auto before = now.before_a_spike(); before && !spike_)
    spike_ = Spike{look.at, *before};
  Diagnosis diagnosis =
      now.diagnosis({.before_spike = spike_ ? std::optional(spike_->before) : std::nullopt,
                     .full_for_long = full,
                     .just_thawed = last_frozen_ && look.at - *last_frozen_ <= full_for});
  diagnosis.needed = now.needed_lately();
  return diagnosis;
}

} // namespace lab::host
