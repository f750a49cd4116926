#include "loadtest/profile.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

namespace lab::load {
namespace {

using std::chrono::milliseconds;

[[noreturn]] void refuse(const Profile &profile, const std::string &what) {
  throw std::invalid_argument(fmt::format("profile {}: {}", profile.name, what));
}

void check_stages(const Profile &profile) {
  milliseconds together{0};
  const bool open = profile.model == Model::open;
  if (profile.stages.size() > max_stages)
    refuse(profile, fmt::format("at most {} stages, not {}", max_stages, profile.stages.size()));
  for (const Stage &stage : profile.stages) {
    together += stage.length;
    if (open ? stage.users.has_value() : stage.rate.has_value())
      refuse(profile, open ? "its stages have a rate, for it is open, and no users"
                           : "its stages have users, for it is closed, and no rate");
    if (stage.users.value_or(0) < 0 || stage.users.value_or(0) > max_users ||
        stage.rate.value_or(0) < 0 || stage.rate.value_or(0) > max_rate)
      refuse(profile,
             fmt::format("a stage has 0 to {} users, a rate of 0 to {}", max_users, max_rate));
  }
  if (together > profile.measure)
    refuse(profile, fmt::format("its stages take {} ms together, more than the {} ms measured",
                                together.count(), profile.measure.count()));
}

void check_hold(const Profile &profile, milliseconds hold) {
  if (hold < milliseconds(0) || hold > milliseconds(5'000))
    refuse(profile, "the hold must be 0 to 5000 ms");
  if (hold.count() > 0 && profile.deadline.count() > 0 && hold + around_a_hold >= profile.deadline)
    refuse(profile, fmt::format("a hold of {} ms does not fit in its deadline of {} ms with {} ms "
                                "for the work around it: at most {}",
                                hold.count(), profile.deadline.count(), around_a_hold.count(),
                                (profile.deadline - around_a_hold).count() - 1));
}

bool has(const Profile &profile, Route route) {
  const auto in = [route](const std::vector<Route> &cycle) {
    return std::find(cycle.begin(), cycle.end(), route) != cycle.end();
  };
  return in(profile.cycle) || std::any_of(profile.stages.begin(), profile.stages.end(),
                                          [&](const Stage &stage) { return in(stage.cycle); });
}

// What arrives in all, on average.
std::int64_t arrivals_of(const Profile &profile) {
  std::int64_t all = profile.rate * (profile.total().count() / 1000 + 1);
  for (const Stage &stage : profile.stages)
    all += stage.rate.value_or(0) * (stage.length.count() / 1000 + 1);
  return all;
}

} // namespace

void check(const Profile &profile) {
  if (profile.cycle.empty())
    refuse(profile, "it sends nothing");
  if (profile.model == Model::closed) {
    if (profile.users == 0)
      refuse(profile, "it has no closed form: say how many users");
    if (profile.users < 1 || profile.users > max_users)
      refuse(profile, fmt::format("users must be 1 to {}, not {}", max_users, profile.users));
  } else {
    if (profile.rate == 0 && profile.rate_of.percent > 0)
      refuse(profile, fmt::format("its rate is {} % of what {} connections give on this machine, "
                                  "which is not known: run scripts/lab calibrate, or say --rate",
                                  profile.rate_of.percent, profile.rate_of.connections));
    if (profile.rate == 0)
      refuse(profile, "it has no open form: say a rate");
    if (profile.rate < 1 || profile.rate > max_rate)
      refuse(profile,
             fmt::format("the rate must be 1 to {} a second, not {}", max_rate, profile.rate));
  }
  if (profile.warm_up.count() < 0)
    refuse(profile, "the warm-up can't be negative");
  if (profile.measure < milliseconds(100))
    refuse(profile, "the measured time must be at least 0.1 s");
  if (profile.total() > max_total)
    refuse(profile, fmt::format("a run takes at most {} minutes", max_total.count()));
  if (profile.model == Model::open && arrivals_of(profile) > max_arrivals)
    refuse(profile, fmt::format("more than {} requests: less rate or time", max_arrivals));
  if (profile.deadline < milliseconds(0) || profile.deadline > milliseconds(300'000))
    refuse(profile, "the deadline must be 1 to 300000 ms, or 0 for none");
  for (const milliseconds hold : profile.holds())
    check_hold(profile, hold);
  check_stages(profile);
  if (profile.think < milliseconds(0) || profile.pause_after_failure < milliseconds(0))
    refuse(profile, "a pause can't be negative");
  if (has(profile, Route::contend) && (profile.rows < 1 || profile.rows > most_rows))
    refuse(profile,
           fmt::format("the rows fought over must be 1 to {}, not {}", most_rows, profile.rows));
  if (profile.burst < 1 || profile.burst > max_burst)
    refuse(profile, fmt::format("a burst has 1 to {} requests, not {}", max_burst, profile.burst));
  if (profile.slow_percent < 0 || profile.slow_percent > 100)
    refuse(profile, "of a hundred 0 to 100 are slow");
  if (profile.retry.times < 0 || profile.retry.times > 10 ||
      profile.retry.pause < milliseconds(0) || profile.retry.backoff_percent < 100 ||
      profile.retry.backoff_percent > 1000)
    refuse(profile, "a retry comes 0 to 10 times, each after 100 to 1000 % of the pause before");
  if (profile.trouble.from + profile.trouble.length > profile.measure)
    refuse(profile, "its trouble lasts longer than what is measured");
}

} // namespace lab::load
