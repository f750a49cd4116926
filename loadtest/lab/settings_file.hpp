// What stands in my/settings.toml: a table for each strategy.
//
//   [fixed_tiny]
//   max = 30
//
// Text in, settings or the first mistake out: no file, no host. [any thread]
#pragma once

#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace lab::cli {

// Values of parameters, by strategy.
using SettingsTables = std::map<std::string, std::map<std::string, double>>;

// One mistake; `what` names its line: "line 3: max must be from 1 to 1000, not 5000".
class SettingsMistake : public std::runtime_error {
public:
  SettingsMistake(unsigned line, const std::string &reason);
  explicit SettingsMistake(const std::string &reason); // of the file as a whole
};

// Every strategy with its parameters, as GET /api/v1/strategies lists them.
using ListStrategies = std::function<nlohmann::json()>;

// All tables of `text`, checked against the list, which is asked for only when
// there is a table. A strategy that can't be used has no parameters to check: its
// table is taken as it is. Throws SettingsMistake for the first mistake, and what
// `list` throws.
SettingsTables settings_from(std::string_view text, const ListStrategies &list);

// A file to begin with: every setting of every usable strategy at its default,
// each line commented out, with its help and range.
std::string example_settings(const nlohmann::json &strategies);

} // namespace lab::cli
