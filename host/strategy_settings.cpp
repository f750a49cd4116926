#include "host/strategy_settings.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "host/http/answer.hpp"
#include "plugins/loader/shown_text.hpp"

namespace lab::host {
namespace {

using nlohmann::json;

std::optional<std::string> problem_with(const std::vector<plugin::Param> &params,
                                        const std::string &name, double value) {
  const auto index = plugin::index_of(params, name);
  if (!index)
    return "there is no parameter " + name;
  return plugin::problem_with(params[*index], value);
}

} // namespace

SettingsChange settings_change(const json &body) {
  SettingsChange change;
  const auto settings = body.find("settings");
  const auto problem = body.find("problem");
  if (settings == body.end() && problem == body.end())
    throw Problem::bad_request(
        R"(give "settings", an object of tables, or "problem", a text, or both)");
  if (settings != body.end()) {
    if (!settings->is_object())
      throw Problem::bad_request(R"("settings" must be an object: a table for each strategy)");
    change.settings.emplace();
    for (const auto &[name, table] : settings->items())
      (*change.settings)[name] = params_of(table, "the table of \"" + name + "\"");
  }
  if (problem != body.end() && !problem->is_null()) {
    if (!problem->is_string())
      throw Problem::bad_request(R"("problem" must be a text, or null)");
    change.problem = plugin::shown_text(problem->get_ref<const std::string &>());
  }
  const auto keep_set = body.find("keep_set");
  if (keep_set != body.end() && !keep_set->is_boolean())
    throw Problem::bad_request(R"("keep_set" must be true or false)");
  change.keep_set = keep_set != body.end() && keep_set->get<bool>();
  return change;
}

SettingsChange settings_at_start(const std::filesystem::path &file) {
  std::ifstream in(file);
  if (!in)
    return {};
  try {
    const json content = json::parse(in);
    if (!content.is_object())
      throw Problem::bad_request("it is no object");
    return settings_change(content);
  } catch (const std::exception &e) {
    spdlog::error("{} can't be used: {}; strategies begin with their defaults", file.string(),
                  e.what());
    return {};
  }
}

json settings_json(const StrategySettings &settings, const std::string &problem) {
  json tables = json::object();
  for (const auto &[name, table] : settings)
    tables[name] = params_json(table);
  return {{"settings", tables}, {"problem", problem.empty() ? json(nullptr) : json(problem)}};
}

json params_json(const pool::ParamValues &values) {
  json out = json::object();
  for (const auto &[name, value] : values)
    out[name] = std::nearbyint(value) == value && std::abs(value) < 1e15
                    ? json(static_cast<std::int64_t>(value))
                    : json(value);
  return out;
}

pool::ParamValues params_of(const json &object, const std::string &what) {
  if (!object.is_object())
    throw Problem::bad_request(what + " must be an object of numbers");
  pool::ParamValues values;
  for (const auto &[name, value] : object.items()) {
    if (value.is_boolean())
      values.emplace_back(name, value.get<bool>() ? 1 : 0);
    else if (value.is_number())
      values.emplace_back(name, value.get<double>());
    else
      throw Problem::bad_request("parameter \"" + name + "\" must be a number");
  }
  return values;
}

pool::ParamValues over(pool::ParamValues below, const pool::ParamValues &above) {
  for (const auto &one : above) {
    const auto same = std::find_if(below.begin(), below.end(),
                                   [&one](const auto &other) { return other.first == one.first; });
    if (same == below.end())
      below.push_back(one);
    else
      same->second = one.second;
  }
  return below;
}

pool::ParamValues fitting(const pool::ParamValues &table,
                          const std::vector<plugin::Param> &params) {
  pool::ParamValues fit;
  for (const auto &[name, value] : table) {
    if (const auto problem = problem_with(params, name, value))
      spdlog::warn("a setting is left out: {}", *problem);
    else
      fit.emplace_back(name, value);
  }
  return fit;
}

std::optional<std::string> problem_with(const pool::ParamValues &table,
                                        const std::vector<plugin::Param> &params) {
  for (const auto &[name, value] : table)
    if (auto problem = problem_with(params, name, value))
      return problem;
  return std::nullopt;
}

} // namespace lab::host
