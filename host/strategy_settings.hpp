// What the learner's settings file says, as the host holds it: a table of
// parameters for each strategy. The agent reads and checks the file and hands
// it over; the values of an instance are its defaults, then its table, then what
// was stated by name (`--set`). [any thread]
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "host/pool/governor.hpp"
#include "plugins/loader/param.hpp"

namespace lab::host {

using StrategySettings = std::map<std::string, pool::ParamValues>; // by strategy

// What is handed over: new settings, or what is wrong with the file, or both.
struct SettingsChange {
  std::optional<StrategySettings> settings; // nothing: those of before stay
  std::string problem;                      // one line, which says where; "" when the file is well
  bool keep_set = false;                    // nobody saved: what was stated stays over them
};

// From {"settings": {NAME: {PARAMETER: NUMBER}}, "problem": TEXT or null,
// "keep_set": BOOLEAN}; at least one of the first two. Throws Problem 400.
SettingsChange settings_change(const nlohmann::json &body);

// The same from a file, to begin with. One that is absent or damaged changes
// nothing: a host that serves on defaults is better than none.
SettingsChange settings_at_start(const std::filesystem::path &file);

// {"settings": ..., "problem": ...}
nlohmann::json settings_json(const StrategySettings &settings, const std::string &problem);

// Values of parameters as JSON, and back. `what` names them in a Problem 400.
nlohmann::json params_json(const pool::ParamValues &values);
pool::ParamValues params_of(const nlohmann::json &object, const std::string &what);

// All values of both; where both have one, that of `above`.
pool::ParamValues over(pool::ParamValues below, const pool::ParamValues &above);

// Those of `table` that `params` accept. The file was checked when it was saved,
// but a build made since then may have other parameters.
pool::ParamValues fitting(const pool::ParamValues &table, const std::vector<plugin::Param> &params);

// Why `params` don't accept all of `table`; nothing when they do.
std::optional<std::string> problem_with(const pool::ParamValues &table,
                                        const std::vector<plugin::Param> &params);

} // namespace lab::host
