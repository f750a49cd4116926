#include "loadtest/lab/state.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/forwarding.hpp"

namespace lab::cli {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::system_clock;

json to_json(const Choice &choice) {
  return {{"name", choice.name}, {"params", choice.params}};
}

Choice choice_of(const json &value) {
  return {value.at("name").get<std::string>(),
          value.at("params").get<std::map<std::string, double>>()};
}

json to_json(const State &state) {
  json out = {{"port", state.port},
              {"hosts", state.hosts},
              {"database", state.database},
              {"monitoring", state.monitoring},
              {"origins", state.origins},
              {"forwarded", state.forwarded},
              {"in_use", to_json(state.in_use)},
              {"loaded", json::array()},
              {"trying", nullptr},
              {"refused", state.refused}};
  for (const auto &loaded : state.loaded)
    out["loaded"].push_back(loaded ? to_json(*loaded) : json());
  if (state.trying) {
    out["trying"] = to_json(state.trying->choice);
    out["trying"]["host"] = state.trying->host;
    out["trying"]["since_ms"] =
        std::chrono::duration_cast<milliseconds>(state.trying->since.time_since_epoch()).count();
  }
  return out;
}

State state_of(const json &value) {
  State state;
  state.port = value.at("port").get<unsigned short>();
  state.hosts = std::clamp(value.value("hosts", 1), 1, most_hosts);
  state.database = value.value("database", "");
  state.monitoring = value.value("monitoring", false);
  state.origins = value.value("origins", std::vector<std::string>());
  state.forwarded = value.value("forwarded", "");
  state.in_use = choice_of(value.at("in_use"));
  // Of a lab from before there was a second host it is the first one's alone.
  const json &loaded = value.at("loaded");
  const json all = loaded.is_array() ? loaded : json::array({loaded});
  for (std::size_t host = 0; host < std::min(all.size(), state.loaded.size()); ++host)
    if (!all[host].is_null())
      state.loaded[host] = choice_of(all[host]);
  if (const json &trying = value.at("trying"); !trying.is_null())
    state.trying = {choice_of(trying),
                    system_clock::time_point(milliseconds(trying.at("since_ms").get<long>())),
                    trying.value("host", 0)};
  state.refused = value.at("refused").get<std::map<std::string, std::string>>();
  return state;
}

} // namespace

const Choice &State::running(int host, system_clock::time_point now) const {
  if (swap_under_way(now) && trying->host == host)
    return trying->choice;
  const auto &last = loaded.at(static_cast<std::size_t>(host));
  return last ? *last : in_use;
}

std::vector<std::string> State::origins_of(int host) const {
  std::vector<std::string> all = origins;
  if (!forwarded.empty())
    all.push_back(forwarded_origin(forwarded, port_of(host)));
  return all;
}

State StateFile::read() const {
  const auto text = text_of_file(file_);
  if (!text)
    return {};
  try {
    return state_of(json::parse(*text));
  } catch (const json::exception &e) {
    throw SetUpFailed(fmt::format("{} can't be understood ({}): remove it, and the lab begins with "
                                  "port 3000 and {}",
                                  file_.string(), e.what(), first_strategy));
  }
}

State StateFile::change(const std::function<void(State &)> &change) const {
  const FileLock one_at_a_time = FileLock::wait_for(file_.string() + ".lock");
  State state = read();
  change(state);
  write_whole(file_, to_json(state).dump(2) + "\n");
  return state;
}

} // namespace lab::cli
