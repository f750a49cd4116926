#include "loadtest/figures.hpp"

#include <cmath>

#include <fmt/format.h>

namespace lab::load {

double rounded(double value) {
  if (!std::isfinite(value))
    return 0;
  const double size = std::abs(value);
  const double steps = size >= 100 ? 1 : size >= 10 ? 10 : size >= 1 ? 100 : 1000;
  const double result = std::round(value * steps) / steps;
  return result == 0 ? 0 : result; // no "-0"
}

double percent(double part, double whole) {
  return whole == 0 ? 0 : rounded(100 * part / whole);
}

std::string shown(const nlohmann::json &number) {
  if (number.is_number_unsigned())
    return fmt::format("{}", number.get<std::uint64_t>());
  if (number.is_number_integer())
    return fmt::format("{}", number.get<std::int64_t>());
  if (!number.is_number_float())
    return "?";
  // Rounded values have at most 3 decimals, so nothing is lost here.
  std::string text = fmt::format("{:.3f}", number.get<double>());
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.')
    text.pop_back();
  return text;
}

nlohmann::json at(const nlohmann::json &json, const std::string &path) {
  const nlohmann::json *here = &json;
  std::size_t begin = 0;
  while (begin <= path.size()) {
    const std::size_t dot = std::min(path.find('.', begin), path.size());
    if (!here->is_object())
      return nullptr;
    const auto found = here->find(path.substr(begin, dot - begin));
    if (found == here->end())
      return nullptr;
    here = &*found;
    begin = dot + 1;
  }
  return *here;
}

double number_at(const nlohmann::json &json, const std::string &path, double otherwise) {
  const nlohmann::json found = at(json, path);
  return found.is_number() ? found.get<double>() : otherwise;
}

} // namespace lab::load
