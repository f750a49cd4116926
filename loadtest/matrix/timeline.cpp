#include "loadtest/matrix/timeline.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include <fmt/format.h>

#include "loadtest/figures.hpp"

namespace lab::matrix {
namespace {

using nlohmann::json;

int port_of(const json &event) {
  return event.value("port", 0);
}

std::set<int> ports_of(const std::vector<json> &timeline) {
  std::set<int> ports;
  for (const json &event : timeline)
    if (event.value("kind", "") == "pool")
      ports.insert(port_of(event));
  return ports;
}

json sum(const std::map<int, json> &pools, const char *gauge) {
  std::int64_t all = 0;
  for (const auto &[port, pool] : pools)
    if (const json one = load::at(pool, gauge); one.is_number())
      all += one.get<std::int64_t>();
  return all;
}

} // namespace

json drawn(const std::vector<json> &timeline) {
  json all = {{"t_ms", json::array()},  {"in_use", json::array()}, {"waiting", json::array()},
              {"limit", json::array()}, {"open", json::array()},   {"said", json::array()},
              {"events", json::array()}};
  const std::set<int> ports = ports_of(timeline);
  const auto told = [&](const json &event, const std::string &text) {
    return json{event.value("t_ms", json()),
                ports.size() > 1 ? fmt::format("{}: {}", port_of(event), text) : text};
  };
  std::map<int, std::string> said;
  std::map<int, json> pools; // by port, as each was last seen
  for (const json &event : timeline) {
    const std::string kind = event.value("kind", "");
    if (kind == "strategy")
      all["events"].push_back(told(
          event, fmt::format("{} ({})", event.value("strategy", ""), event.value("state", ""))));
    if (kind != "pool")
      continue;
    const json &pool = pools[port_of(event)] = event.at("pool");
    if (const std::string now = pool.value("explain", ""); now != said[port_of(event)])
      all["said"].push_back(told(event, said[port_of(event)] = now));
    if (pools.size() < ports.size())
      continue; // one of the hosts is not known yet
    const json t = event.value("t_ms", json());
    const bool same = !all["t_ms"].empty() && all["t_ms"].back() == t;
    const auto now = [&](const char *name, const json &value) {
      if (same) // as another host answered: told anew
        all[name].erase(all[name].size() - 1);
      all[name].push_back(value);
    };
    now("t_ms", t);
    for (const char *gauge : {"in_use", "waiting", "open"})
      now(gauge, sum(pools, gauge));
    now("limit", sum(pools, "plan.max_in_use"));
  }
  return all;
}

} // namespace lab::matrix
