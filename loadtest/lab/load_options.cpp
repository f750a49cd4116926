#include "loadtest/lab/load_options.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/files.hpp"

namespace lab::cli {
namespace {

std::chrono::milliseconds time_of(double seconds) {
  // Far more than any load may take, and what a number of milliseconds can hold.
  const double within = std::clamp(seconds, -1.0, 1e6);
  return std::chrono::milliseconds(std::llround(within * 1000));
}

void hold_for(load::Profile &profile, int ms) {
  if (profile.hold.count() == 0)
    throw SetUpFailed(
        fmt::format("profile {}: its requests hold a connection only as long as their "
                    "work takes: leave out --hold, or load hold or ceiling",
                    profile.name));
  if (ms < 1 || ms > 5000)
    throw SetUpFailed(
        fmt::format("profile {}: the hold must be 1 to 5000 ms, not {}", profile.name, ms));
  profile.hold = std::chrono::milliseconds(ms);
  profile.what += fmt::format(" (here held {} ms)", ms);
}

} // namespace

void LoadOptions::add_to(CLI::App &command) {
  command
      .add_option("--model", model,
                  "open: requests arrive on a schedule; closed: users wait for "
                  "their answers")
      ->check(CLI::IsMember({"open", "closed"}))
      ->option_text("open|closed");
  command.add_option("--users", users, "How many users (closed model)")->option_text("N");
  command.add_option("--rate", rate, "Requests a second (open model)")->option_text("R");
  command
      .add_option("--hold", hold,
                  "How long a request holds its connection, in milliseconds (hold, ceiling)")
      ->option_text("MS");
  command.add_option("--seconds", seconds, "Measured time")->option_text("N");
  command.add_option("--warm-up", warm_up, "Time before it that is not judged, in seconds")
      ->option_text("N");
  command.add_option("--seed", seed, "Of the schedule; the same seed gives the same requests")
      ->option_text("S");
}

load::Profile LoadOptions::apply(load::Profile profile) const {
  if (rate && !model)
    profile.model = load::Model::open;
  if (users && !model)
    profile.model = load::Model::closed;
  if (model)
    profile.model = *model == "open" ? load::Model::open : load::Model::closed;
  if (rate && (users || profile.model != load::Model::open))
    throw SetUpFailed("--rate is for the open model, --users for the closed one: give one of them");
  if (users && profile.model != load::Model::closed)
    throw SetUpFailed("--users is for the closed model: leave out --model open");
  if (users)
    profile.users = *users;
  if (rate)
    profile.rate = *rate;
  if (hold)
    hold_for(profile, *hold);
  if (seconds)
    load::stretch(profile, time_of(*seconds));
  if (warm_up)
    profile.warm_up = time_of(*warm_up);
  try {
    load::check(profile);
  } catch (const std::invalid_argument &e) {
    throw SetUpFailed(e.what());
  }
  return profile;
}

void JsonOption::add_to(CLI::App &command) {
  command.add_option("--json", file_, "Report as JSON: to FILE, or alone on standard output")
      ->expected(0, 1)
      ->option_text("[FILE]");
}

void JsonOption::write(const std::string &text) const {
  if (to_output()) {
    fmt::print("{}\n", text);
    if (std::fflush(stdout) != 0)
      throw SetUpFailed("standard output can't be written");
  } else if (file_) {
    write_whole(*file_, text + "\n");
  }
}

std::vector<std::string> with_plain_json(std::vector<std::string> arguments,
                                         const std::vector<std::string> &names) {
  std::vector<std::string> plain;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--") { // what follows is another program's
      plain.insert(plain.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i),
                   arguments.end());
      break;
    }
    if (arguments[i] != "--json") {
      plain.push_back(arguments[i]);
      continue;
    }
    const bool has_next = i + 1 < arguments.size();
    const bool file_follows =
        has_next && !arguments[i + 1].starts_with("-") &&
        std::find(names.begin(), names.end(), arguments[i + 1]) == names.end();
    plain.push_back("--json=" + (file_follows ? arguments[++i] : std::string("-")));
  }
  return plain;
}

std::pair<std::string, double> parse_setting(const std::string &text) {
  const auto equals = text.find('=');
  if (equals == 0 || equals == std::string::npos)
    throw SetUpFailed(fmt::format("'{}' is no setting: write NAME=NUMBER", text));
  const std::string name = text.substr(0, equals), number = text.substr(equals + 1);
  if (number == "true" || number == "false")
    return {name, number == "true" ? 1 : 0};
  char *end = nullptr;
  const double value = std::strtod(number.c_str(), &end);
  if (number.empty() || *end != '\0' || !std::isfinite(value))
    throw SetUpFailed(fmt::format("'{}': {} needs a number", text, name));
  return {name, value};
}

std::map<std::string, std::map<std::string, double>>
parse_settings_by_strategy(const std::vector<std::string> &texts) {
  std::map<std::string, std::map<std::string, double>> settings;
  for (const std::string &text : texts) {
    const auto dot = text.find('.');
    if (dot == 0 || dot == std::string::npos || dot > text.find('='))
      throw SetUpFailed(fmt::format("'{}' is no setting: write STRATEGY.NAME=NUMBER", text));
    settings[text.substr(0, dot)].insert_or_assign(parse_setting(text.substr(dot + 1)).first,
                                                   parse_setting(text.substr(dot + 1)).second);
  }
  return settings;
}

} // namespace lab::cli
