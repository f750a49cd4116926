#include "db/statement_timeout.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace lab::db {
namespace {

using namespace std::chrono_literals;

// The server's clock and ours are not read at one moment.
constexpr auto slack = 5ms;

// As the server takes them apart: at blanks, and a backslash keeps what follows.
std::vector<std::string> words_of(std::string_view options) {
  std::vector<std::string> words;
  bool inside = false;
  for (std::size_t i = 0; i < options.size(); ++i) {
    if (std::isspace(static_cast<unsigned char>(options[i])) != 0) {
      inside = false;
      continue;
    }
    if (!std::exchange(inside, true))
      words.emplace_back();
    if (options[i] == '\\' && i + 1 < options.size())
      ++i;
    words.back() += options[i];
  }
  return words;
}

// "statement_timeout=2s" -> "2s"; nothing for another setting.
std::string value_of_timeout(std::string_view setting) {
  const std::size_t equals = setting.find('=');
  if (equals == std::string_view::npos)
    return "";
  std::string name(setting.substr(0, equals));
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return c == '-' ? '_' : static_cast<char>(std::tolower(c));
  });
  return name == "statement_timeout" ? std::string(setting.substr(equals + 1)) : "";
}

// A number with a unit, as settings are written; milliseconds without one.
std::chrono::milliseconds time_of(const std::string &value) {
  static constexpr std::array<std::pair<std::string_view, double>, 6> units = {
      {{"us", 0.001}, {"ms", 1}, {"s", 1e3}, {"min", 6e4}, {"h", 3.6e6}, {"d", 8.64e7}}};
  char *end = nullptr;
  const double number = std::strtod(value.c_str(), &end);
  while (std::isspace(static_cast<unsigned char>(*end)) != 0)
    ++end;
  double factor = 1;
  for (const auto &[unit, milliseconds] : units)
    if (unit == end)
      factor = milliseconds;
  return std::chrono::milliseconds(std::llround(number * factor));
}

} // namespace

std::chrono::milliseconds statement_timeout_in(std::string_view options) {
  std::chrono::milliseconds timeout{0};
  const auto words = words_of(options);
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string_view setting = words[i];
    if (setting == "-c" && i + 1 < words.size())
      setting = words[++i];
    else if (setting.starts_with("-c") || setting.starts_with("--"))
      setting.remove_prefix(2);
    else
      continue;
    if (const std::string value = value_of_timeout(setting); !value.empty())
      timeout = time_of(value);
  }
  return timeout;
}

std::string why_ended(std::chrono::nanoseconds ran, std::chrono::milliseconds timeout) {
  if (timeout == 0ms || ran + slack < timeout)
    return "somebody cancelled the statement";
  return timeout % 1s == 0ms
             ? fmt::format("the statement ran longer than {} s (statement timeout)", timeout / 1s)
             : fmt::format("the statement ran longer than {} ms (statement timeout)",
                           timeout.count());
}

} // namespace lab::db
