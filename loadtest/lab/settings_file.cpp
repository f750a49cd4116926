#include "loadtest/lab/settings_file.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include "plugins/loader/shown_text.hpp"

namespace lab::cli {
namespace {

using nlohmann::json;

const json *named(const json &all, std::string_view name) {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [name](const json &one) { return one.at("name") == name; });
  return found == all.end() ? nullptr : &*found;
}

std::string names_of(const json &all) {
  std::string names;
  for (const json &one : all)
    names += (names.empty() ? "" : ", ") + one.at("name").get<std::string>();
  return names.empty() ? "none" : names;
}

std::string shown(const toml::node &value) {
  if (const auto number = value.value<double>())
    return fmt::format("{}", *number);
  switch (value.type()) {
  case toml::node_type::string:
    return fmt::format("\"{}\"", value.ref<std::string>());
  case toml::node_type::boolean:
    return value.ref<bool>() ? "true" : "false";
  case toml::node_type::array:
    return "a list";
  case toml::node_type::table:
    return "a table";
  default:
    return "a date or time";
  }
}

std::optional<double> number_in(const toml::node &value, bool of_boolean) {
  if (value.is_boolean())
    return of_boolean ? std::optional(value.ref<bool>() ? 1.0 : 0.0) : std::nullopt;
  return value.is_number() ? value.value<double>() : std::nullopt;
}

// Why `value` can't be given to `param`; nothing when it can.
std::optional<std::string> problem_with(const json &param, const toml::node &value) {
  const std::string name = param.at("name"), type = param.at("type");
  const double min = param.at("min"), max = param.at("max");
  const bool boolean = type == "boolean";
  const auto must_be = [&](const char *what) {
    return boolean ? fmt::format("{} must be true or false, not {}", name, shown(value))
                   : fmt::format("{} must be {}from {} to {}{}, not {}", name, what, min, max,
                                 type == "milliseconds" ? " (milliseconds)" : "", shown(value));
  };
  const auto number = number_in(value, boolean);
  if (!number || std::isnan(*number))
    return must_be("a number ");
  if (*number < min || *number > max)
    return must_be("");
  if ((boolean || type == "integer") && *number != std::floor(*number))
    return must_be("a whole number ");
  return std::nullopt;
}

// Reads on after a mistake, for the tables come by name: the one to tell is the
// one nearest to the top.
class Reader {
public:
  explicit Reader(const ListStrategies &list) : list_(list) {}

  SettingsTables read(const toml::table &file) {
    for (const auto &[key, node] : file) {
      const std::string name(key.str());
      if (const toml::table *table = node.as_table())
        read_table(name, *table);
      else
        note(key.source(), fmt::format("{} stands in no table: write the strategy's name above it, "
                                       "as in [fixed_tiny]",
                                       name));
    }
    if (mistake_)
      throw SettingsMistake(*mistake_);
    return std::move(settings_);
  }

private:
  void read_table(const std::string &name, const toml::table &table) {
    if (!strategies_)
      strategies_ = list_();
    const json *strategy = named(*strategies_, name);
    if (!strategy) {
      note(table.source(), fmt::format("there is no strategy called {}; there are: {}", name,
                                       names_of(*strategies_)));
      return;
    }
    auto &settings = settings_[name];
    for (const auto &[key, value] : table) {
      const std::string setting(key.str());
      const json *param = named(strategy->at("params"), setting);
      if (param) {
        if (const auto problem = problem_with(*param, value))
          note(key.source(), *problem);
      } else if (strategy->at("usable").get<bool>()) {
        note(key.source(), fmt::format("{} has no setting called {}; it has: {}", name, setting,
                                       names_of(strategy->at("params"))));
      } else if (!number_in(value, true)) {
        note(key.source(), fmt::format("{} must be a number, not {}", setting, shown(value)));
      }
      settings[setting] = number_in(value, true).value_or(0);
    }
  }

  void note(const toml::source_region &where, const std::string &reason) {
    const unsigned line = where.begin.line;
    if (!mistake_ || line < line_) {
      line_ = line;
      mistake_.emplace(line, reason);
    }
  }

  const ListStrategies &list_;
  std::optional<json> strategies_;
  SettingsTables settings_;
  unsigned line_ = 0;
  std::optional<SettingsMistake> mistake_;
};

} // namespace

SettingsMistake::SettingsMistake(unsigned line, const std::string &reason)
    : std::runtime_error(plugin::shown_text(fmt::format("line {}: {}", line, reason))) {}

SettingsMistake::SettingsMistake(const std::string &reason) : std::runtime_error(reason) {}

SettingsTables settings_from(std::string_view text, const ListStrategies &list) {
  toml::table file;
  try {
    file = toml::parse(text);
  } catch (const toml::parse_error &e) {
    throw SettingsMistake(e.source().begin.line, std::string(e.description()));
  }
  return Reader(list).read(file);
}

std::string example_settings(const json &strategies) {
  std::string text =
      "# Settings of strategies. Take away the # before a [name] and before a setting\n"
      "# below it, change the number, save: it is in force at once. A mistake changes\n"
      "# nothing; scripts/lab status names its line. This file is yours: the lab made it,\n"
      "# and never writes it again.\n";
  for (const json &strategy : strategies) {
    if (!strategy.at("usable").get<bool>() || strategy.at("params").empty())
      continue;
    text += fmt::format("\n# [{}]\n", strategy.at("name").get<std::string>());
    for (const json &param : strategy.at("params")) {
      const double value = param.at("default");
      const bool boolean = param.at("type") == "boolean";
      text += fmt::format("# {} = {} # {} ({})\n", param.at("name").get<std::string>(),
                          boolean ? (value != 0 ? "true" : "false") : fmt::format("{}", value),
                          param.at("help").get<std::string>(),
                          boolean ? "true or false"
                                  : fmt::format("{} to {}", param.at("min").get<double>(),
                                                param.at("max").get<double>()));
    }
  }
  return text;
}

} // namespace lab::cli
