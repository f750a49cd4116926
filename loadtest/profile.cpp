#include "loadtest/profile.hpp"

#include <stdexcept>

#include <fmt/format.h>

namespace lab::load {
namespace {

using std::chrono::milliseconds;

// The table: all of the lab's loads.
std::vector<Profile> all() {
  std::vector<Profile> table;

  Profile original;
  original.name = "original";
  original.what = "the first lab's load: 50 users submit, claim and count jobs as fast as they can";
  original.users = 50;
  original.cycle = {Route::submit_job, Route::next_job, Route::job_stats};
  original.measure = milliseconds(30'000);
  table.push_back(original);

  Profile hold;
  hold.name = "hold";
  hold.what = "submitters and workers whose requests hold a connection for a stated time, 50 ms if "
              "nothing is said";
  hold.model = Model::open;
  hold.rate = 120;
  hold.users = 50;
  hold.cycle = {Route::hold_submit, Route::hold_claim};
  hold.hold = milliseconds(50);
  table.push_back(hold);

  Profile contended;
  contended.name = "contended";
  contended.what = "100 users whose short transactions update the same 5 worker rows";
  contended.users = 100;
  contended.cycle = {Route::contend};
  contended.rows = 5;
  table.push_back(contended);

  // A connection that would come too late for the whole hold, and 100 ms for the
  // work around it, is not waited for: so a request waits 200 ms at most. Held so
  // long, 160 users need few requests a second: half a processor carries them.
  Profile ceiling;
  ceiling.name = "ceiling";
  ceiling.what = "160 impatient users, more than the server has connections, and a neighbour "
                 "application";
  ceiling.users = 160;
  ceiling.cycle = {Route::hold_submit, Route::hold_claim};
  ceiling.hold = milliseconds(1000);
  ceiling.deadline = milliseconds(1300);
  ceiling.pause_after_failure = milliseconds(500);
  ceiling.neighbour = true;
  table.push_back(ceiling);

  Profile insert;
  insert.name = "insert";
  insert.what = "50 users who only submit jobs: for the benchmark";
  insert.users = 50;
  insert.cycle = {Route::submit_job};
  insert.for_benchmark = true;
  table.push_back(insert);

  Profile mix = insert;
  mix.name = "mix";
  mix.what = "50 users who submit a job, then update 1,000 rows, in turns: for the benchmark";
  mix.cycle = {Route::submit_job, Route::touch};
  table.push_back(mix);

  return table;
}

[[noreturn]] void refuse(const Profile &profile, const std::string &what) {
  throw std::invalid_argument(fmt::format("profile {}: {}", profile.name, what));
}

} // namespace

std::string_view model_name(Model model) {
  return model == Model::open ? "open" : "closed";
}

std::string_view route_name(Route route) {
  switch (route) {
  case Route::submit_job:
    return "submit_job";
  case Route::next_job:
    return "next_job";
  case Route::job_stats:
    return "job_stats";
  case Route::hold_submit:
    return "hold_submit";
  case Route::hold_claim:
    return "hold_claim";
  case Route::contend:
    return "contend";
  case Route::touch:
    return "touch";
  }
  return "unknown";
}

std::optional<Route> route_called(std::string_view name) {
  for (int i = 0; i < route_count; ++i)
    if (route_name(static_cast<Route>(i)) == name)
      return static_cast<Route>(i);
  return std::nullopt;
}

milliseconds Profile::client_limit() const {
  return (deadline.count() > 0 ? deadline : milliseconds(30'000)) + milliseconds(5'000);
}

std::vector<std::string> profile_names() {
  std::vector<std::string> names;
  for (const Profile &profile : all())
    if (!profile.for_benchmark)
      names.push_back(profile.name);
  return names;
}

Profile profile_named(const std::string &name) {
  for (Profile &profile : all())
    if (profile.name == name)
      return profile;
  throw std::invalid_argument(fmt::format("no profile is named '{}'; there are {}", name,
                                          fmt::join(profile_names(), ", ")));
}

Profile for_compare(Profile profile) {
  profile.warm_up = milliseconds(2'000);
  profile.measure = milliseconds(5'000);
  return profile;
}

void check(const Profile &profile) {
  if (profile.cycle.empty())
    refuse(profile, "it sends nothing");
  if (profile.model == Model::closed) {
    if (profile.users == 0)
      refuse(profile, "it has no closed form: say how many users");
    if (profile.users < 1 || profile.users > max_users)
      refuse(profile, fmt::format("users must be 1 to {}, not {}", max_users, profile.users));
  } else {
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
  if (profile.model == Model::open &&
      profile.rate * (profile.total().count() / 1000 + 1) > max_arrivals)
    refuse(profile, fmt::format("more than {} requests: less rate or time", max_arrivals));
  if (profile.hold < milliseconds(0) || profile.hold > milliseconds(5'000))
    refuse(profile, "the hold must be 0 to 5000 ms");
  if (profile.deadline < milliseconds(0) || profile.deadline > milliseconds(300'000))
    refuse(profile, "the deadline must be 1 to 300000 ms, or 0 for none");
  if (profile.hold.count() > 0 && profile.deadline.count() > 0 &&
      profile.hold + around_a_hold >= profile.deadline)
    refuse(profile,
           fmt::format("a hold of {} ms does not fit in its deadline of {} ms with {} ms "
                       "for the work around it: at most {}",
                       profile.hold.count(), profile.deadline.count(), around_a_hold.count(),
                       (profile.deadline - around_a_hold).count() - 1));
  if (profile.think < milliseconds(0) || profile.pause_after_failure < milliseconds(0))
    refuse(profile, "a pause can't be negative");
  for (const Route route : profile.cycle)
    if (route == Route::contend && (profile.rows < 1 || profile.rows > 5))
      refuse(profile, fmt::format("the rows fought over must be 1 to 5, not {}", profile.rows));
}

} // namespace lab::load
