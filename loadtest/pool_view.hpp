// What the samples of GET /api/v1/pool say about the measured time: several
// hosts are added up. [any thread]
#pragma once

#include "loadtest/recorded.hpp"

#include <cstdint>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

namespace lab::load {

struct PoolView {
  int samples = 0;
  std::string strategy;  // in force at the first sample; "" when the host did not say
  nlohmann::json params; // its settings at the start of the run; null: the host did not say

  // From the start of the run on: a change in the warm-up counts, too.
  int strategy_changes = 0;
  std::string changed_to;                              // "name (state)" of the last change
  int setting_changes = 0;                             // while the strategy stayed
  std::map<std::string, std::string> settings_changed; // each one's first change: "3 to 30"

  std::int64_t limit = 0;     // plan's max_in_use at the end
  std::int64_t limit_min = 0; // and its range in between
  std::int64_t limit_max = 0;
  int samples_at_limit = 0; // as many in use as the plan allowed at that moment
  std::int64_t max_in_use = 0;
  std::int64_t max_open = 0;
  std::int64_t max_waiting = 0;
  double in_use_mean = 0;
  double connection_seconds = 0;              // connections that were open, times how long
  std::map<std::string, std::int64_t> counts; // by how much each rose

  bool server_known = false;
  std::int64_t max_connections = 0;
  std::int64_t reserved = 0;
  std::int64_t server_total_max = 0; // of all applications
};

PoolView view_pool(const Recorded &recorded, std::int64_t from, std::int64_t to);

} // namespace lab::load
