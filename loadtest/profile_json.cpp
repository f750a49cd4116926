#include "loadtest/profile_json.hpp"

#include <stdexcept>

#include <fmt/format.h>

namespace lab::load {

using nlohmann::json;
using std::chrono::milliseconds;

json json_of(const Profile &profile) {
  json routes = json::array();
  for (const Route route : profile.cycle)
    routes.push_back(route_name(route));
  return {{"profile", profile.name},
          {"what", profile.what},
          {"model", model_name(profile.model)},
          {"users", profile.users},
          {"rate", profile.rate},
          {"cycle", routes},
          {"warm_up_ms", profile.warm_up.count()},
          {"measure_ms", profile.measure.count()},
          {"hold_ms", profile.hold.count()},
          {"rows", profile.rows},
          {"deadline_ms", profile.deadline.count()},
          {"think_ms", profile.think.count()},
          {"pause_after_failure_ms", profile.pause_after_failure.count()},
          {"neighbour", profile.neighbour}};
}

Profile profile_of(const json &json) {
  Profile profile;
  try {
    const auto time = [&](const char *name) { return milliseconds(json.at(name).get<int>()); };
    profile.name = json.at("profile");
    profile.what = json.at("what");
    profile.model = json.at("model") == "open" ? Model::open : Model::closed;
    profile.users = json.at("users");
    profile.rate = json.at("rate");
    for (const auto &name : json.at("cycle")) {
      const auto route = route_called(name.get<std::string>());
      if (!route)
        throw std::runtime_error(fmt::format("no route is named {}", name.dump()));
      profile.cycle.push_back(*route);
    }
    profile.warm_up = time("warm_up_ms");
    profile.measure = time("measure_ms");
    profile.hold = time("hold_ms");
    profile.rows = json.at("rows");
    profile.deadline = time("deadline_ms");
    profile.think = time("think_ms");
    profile.pause_after_failure = time("pause_after_failure_ms");
    profile.neighbour = json.at("neighbour");
  } catch (const json::exception &e) {
    throw std::runtime_error(fmt::format("that is no profile: {}", e.what()));
  }
  check(profile);
  return profile;
}

} // namespace lab::load
