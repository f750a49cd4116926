#include "plugins/loader/param.hpp"

#include <cmath>

#include <fmt/format.h>

namespace lab::plugin {

const char *type_name(Param::Type type) {
  switch (type) {
  case Param::Type::integer:
    return "integer";
  case Param::Type::real:
    return "real";
  case Param::Type::boolean:
    return "boolean";
  case Param::Type::milliseconds:
    return "milliseconds";
  }
  return "?";
}

std::optional<std::string> problem_with(const Param &param, double value) {
  if (!std::isfinite(value))
    return fmt::format("{} must be a number from {} to {}", param.name, param.min, param.max);
  const bool whole = param.type == Param::Type::integer || param.type == Param::Type::boolean;
  if (whole && value != std::floor(value))
    return fmt::format("{} is {}: it must be a whole number from {} to {}", param.name, value,
                       param.min, param.max);
  if (value < param.min || value > param.max)
    return fmt::format("{} is {}: it must be from {} to {}{}", param.name, value, param.min,
                       param.max, param.type == Param::Type::milliseconds ? " (milliseconds)" : "");
  return std::nullopt;
}

std::string no_such_setting(const std::string &strategy, const std::string &name,
                            const std::vector<Param> &params) {
  std::vector<std::string> names;
  for (const Param &param : params)
    names.push_back(param.name);
  return fmt::format("{} has no setting called {}; it has: {}", strategy, name,
                     names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")));
}

std::optional<std::uint32_t> index_of(const std::vector<Param> &params, const std::string &name) {
  for (std::size_t i = 0; i < params.size(); ++i)
    if (params[i].name == name)
      return static_cast<std::uint32_t>(i);
  return std::nullopt;
}

} // namespace lab::plugin
