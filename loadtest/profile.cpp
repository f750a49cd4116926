#include "loadtest/profile.hpp"

#include "loadtest/built_in_profiles.hpp"
#include "loadtest/profile_toml.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

namespace lab::load {
namespace {

using std::chrono::milliseconds;

std::vector<Profile> parsed() {
  std::vector<Profile> all;
  for (const BuiltInProfile &one : built_in_profiles())
    all.push_back(parse_profile(std::string(one.name), one.text, fmt::format("{}.toml", one.name)));
  return all;
}

const std::vector<Profile> &all() {
  static const std::vector<Profile> profiles = parsed();
  return profiles;
}

} // namespace

std::string_view model_name(Model model) {
  return model == Model::open ? "open" : "closed";
}

std::string_view arrivals_name(Arrivals arrivals) {
  return arrivals == Arrivals::poisson    ? "poisson"
         : arrivals == Arrivals::constant ? "constant"
                                          : "bursty";
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

std::vector<milliseconds> Profile::holds() const {
  std::vector<milliseconds> all{hold};
  const auto add = [&all](milliseconds one) {
    if (std::find(all.begin(), all.end(), one) == all.end())
      all.push_back(one);
  };
  if (slow_percent > 0)
    add(slow_hold);
  for (const Stage &stage : stages)
    if (stage.hold)
      add(*stage.hold);
  return all;
}

std::vector<std::string> profile_names() {
  std::vector<std::string> names;
  for (const Profile &profile : all())
    if (!profile.for_benchmark)
      names.push_back(profile.name);
  return names;
}

Profile profile_named(const std::string &name) {
  for (const Profile &profile : all())
    if (profile.name == name)
      return profile;
  throw std::invalid_argument(fmt::format("no profile is named '{}'; there are {}", name,
                                          fmt::join(profile_names(), ", ")));
}

Profile for_compare(Profile profile) {
  profile.warm_up = milliseconds(2'000);
  stretch(profile, milliseconds(5'000));
  return profile;
}

void stretch(Profile &profile, milliseconds measure) {
  const auto before = profile.measure.count();
  if (before <= 0)
    return;
  const auto stretched = [&](milliseconds time) { return time * measure.count() / before; };
  for (Stage &stage : profile.stages)
    stage.length = stretched(stage.length);
  profile.trouble.from = stretched(profile.trouble.from);
  profile.trouble.length = stretched(profile.trouble.length);
  profile.measure = measure;
}

} // namespace lab::load
