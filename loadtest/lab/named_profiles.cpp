#include "loadtest/lab/named_profiles.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "loadtest/built_in_profiles.hpp"
#include "loadtest/calibration/calibration.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/profile_toml.hpp"

namespace lab::cli {
namespace {

// Nothing: it was not measured, or can't be read.
std::optional<int> calibrated_rate(const Places &places, const load::Profile &profile) {
  const auto text = text_of_file(places.calibration());
  const auto measured = text ? nlohmann::json::parse(*text, nullptr, false) : nlohmann::json();
  if (!measured.is_object() || !measured.contains("curves"))
    return std::nullopt;
  std::optional<double> all;
  try {
    all = calibration::capacity(measured["curves"], profile, profile.rate_of.connections);
  } catch (const nlohmann::json::exception &) {
    // Written by another version, or by hand: calibrate writes it anew.
  }
  if (!all)
    return std::nullopt;
  return std::clamp(static_cast<int>(std::lround(*all * profile.rate_of.percent / 100)), 1,
                    load::max_rate);
}

load::Profile uncalibrated(const Places &places, const std::string &name) {
  namespace fs = std::filesystem;
  const bool file = name.ends_with(".toml");
  const fs::path own = file ? fs::path(name) : places.my_profiles() / (name + ".toml");
  try {
    const auto &labs = load::built_in_profiles();
    const bool is_built_in =
        !file && std::any_of(labs.begin(), labs.end(),
                             [&](const load::BuiltInProfile &one) { return one.name == name; });
    const auto text = text_of_file(own);
    if (text && is_built_in)
      throw SetUpFailed(fmt::format("{} has the name of one of the lab's own profiles, so it is "
                                    "not clear which is meant: give it another name",
                                    own.string()));
    if (text)
      return load::parse_profile(own.stem(), *text, own.string());
    if (file)
      throw SetUpFailed(fmt::format("{} can't be read: is it there?", name));
    if (is_built_in)
      return load::profile_named(name);
    const std::vector<std::string> mine = own_profile_names(places);
    throw SetUpFailed(fmt::format(
        "no profile is named '{}'; there are {}{}", name, fmt::join(load::profile_names(), ", "),
        mine.empty() ? "" : fmt::format("; yours: {}", fmt::join(mine, ", "))));
  } catch (const std::invalid_argument &e) {
    throw SetUpFailed(e.what());
  }
}

} // namespace

load::Profile profile_called(const Places &places, const std::string &name) {
  load::Profile profile = uncalibrated(places, name);
  if (profile.rate != 0 || profile.rate_of.percent == 0 || profile.cycle.empty())
    return profile;
  if (const auto rate = calibrated_rate(places, profile)) {
    profile.rate = *rate;
    profile.what += fmt::format(" (open: {} a second, {} % of what {} connections give here)",
                                profile.rate, profile.rate_of.percent, profile.rate_of.connections);
  }
  return profile;
}

std::vector<std::string> own_profile_names(const Places &places) {
  std::vector<std::string> names;
  std::error_code absent;
  for (const auto &file : std::filesystem::directory_iterator(places.my_profiles(), absent))
    if (file.path().extension() == ".toml")
      names.push_back(file.path().stem());
  std::sort(names.begin(), names.end());
  return names;
}

} // namespace lab::cli
