#pragma once

#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "loadtest/lab/exit_status.hpp"

namespace lab::cli {

// The text that an order must have under this name. Throws SetUpFailed, one line. [any thread]
inline std::string text_in(const nlohmann::json &order, const char *name) {
  const auto found = order.find(name);
  if (found == order.end() || !found->is_string())
    throw SetUpFailed(fmt::format("\"{}\" must be a text", name));
  return found->get<std::string>();
}

} // namespace lab::cli
