#include "loadtest/profile_json.hpp"

#include <stdexcept>

#include <fmt/format.h>

namespace lab::load {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

json names_of(const std::vector<Route> &cycle) {
  json names = json::array();
  for (const Route route : cycle)
    names.push_back(route_name(route));
  return names;
}

std::vector<Route> routes_of(const json &names) {
  std::vector<Route> cycle;
  for (const json &name : names) {
    const auto route = route_called(name.get<std::string>());
    if (!route)
      throw std::runtime_error(fmt::format("no route is named {}", name.dump()));
    cycle.push_back(*route);
  }
  return cycle;
}

milliseconds time_in(const json &json, const char *name) {
  return milliseconds(json.at(name).get<int>());
}

// What a stage does not say is null.
json stage_json(const Stage &stage) {
  return {{"for_ms", stage.length.count()},
          {"users", stage.users ? json(*stage.users) : json()},
          {"rate", stage.rate ? json(*stage.rate) : json()},
          {"cycle", names_of(stage.cycle)},
          {"hold_ms", stage.hold ? json(stage.hold->count()) : json()}};
}

Stage stage_of(const json &json) {
  Stage stage{time_in(json, "for_ms")};
  if (!json.at("users").is_null())
    stage.users = json.at("users").get<int>();
  if (!json.at("rate").is_null())
    stage.rate = json.at("rate").get<int>();
  stage.cycle = routes_of(json.at("cycle"));
  if (!json.at("hold_ms").is_null())
    stage.hold = time_in(json, "hold_ms");
  return stage;
}

Arrivals arrivals_called(const std::string &name) {
  for (const Arrivals one : {Arrivals::poisson, Arrivals::constant, Arrivals::bursty})
    if (arrivals_name(one) == name)
      return one;
  throw std::runtime_error("no arrivals are called " + name);
}

} // namespace

json json_of(const Profile &profile) {
  json stages = json::array();
  for (const Stage &stage : profile.stages)
    stages.push_back(stage_json(stage));
  return {{"profile", profile.name},
          {"what", profile.what},
          {"model", model_name(profile.model)},
          {"users", profile.users},
          {"rate", profile.rate},
          {"cycle", names_of(profile.cycle)},
          {"arrivals", arrivals_name(profile.arrivals)},
          {"burst", profile.burst},
          {"warm_up_ms", profile.warm_up.count()},
          {"measure_ms", profile.measure.count()},
          {"stages", stages},
          {"hold_ms", profile.hold.count()},
          {"slow_hold_ms", profile.slow_hold.count()},
          {"slow_percent", profile.slow_percent},
          {"rows", profile.rows},
          {"deadline_ms", profile.deadline.count()},
          {"think_ms", profile.think.count()},
          {"pause_after_failure_ms", profile.pause_after_failure.count()},
          {"retry",
           {{"times", profile.retry.times},
            {"pause_ms", profile.retry.pause.count()},
            {"backoff_percent", profile.retry.backoff_percent}}},
          {"neighbour", profile.neighbour},
          {"trouble",
           {{"fault", profile.trouble.fault},
            {"amount", profile.trouble.amount},
            {"from_ms", profile.trouble.from.count()},
            {"for_ms", profile.trouble.length.count()}}}};
}

Profile profile_of(const json &json) {
  Profile profile;
  try {
    profile.name = json.at("profile");
    profile.what = json.at("what");
    profile.model = json.at("model") == "open" ? Model::open : Model::closed;
    profile.users = json.at("users");
    profile.rate = json.at("rate");
    profile.cycle = routes_of(json.at("cycle"));
    profile.arrivals = arrivals_called(json.at("arrivals"));
    profile.burst = json.at("burst");
    profile.warm_up = time_in(json, "warm_up_ms");
    profile.measure = time_in(json, "measure_ms");
    for (const auto &stage : json.at("stages"))
      profile.stages.push_back(stage_of(stage));
    profile.hold = time_in(json, "hold_ms");
    profile.slow_hold = time_in(json, "slow_hold_ms");
    profile.slow_percent = json.at("slow_percent");
    profile.rows = json.at("rows");
    profile.deadline = time_in(json, "deadline_ms");
    profile.think = time_in(json, "think_ms");
    profile.pause_after_failure = time_in(json, "pause_after_failure_ms");
    const auto &retry = json.at("retry"), &trouble = json.at("trouble");
    profile.retry = {retry.at("times"), time_in(retry, "pause_ms"), retry.at("backoff_percent")};
    profile.neighbour = json.at("neighbour");
    profile.trouble = {trouble.at("fault"), trouble.at("amount"), time_in(trouble, "from_ms"),
                       time_in(trouble, "for_ms")};
  } catch (const json::exception &e) {
    throw std::runtime_error(fmt::format("that is no profile: {}", e.what()));
  }
  check(profile);
  return profile;
}

} // namespace lab::load
