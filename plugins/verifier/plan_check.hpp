// Whether an answer of a strategy means what strategy.h allows. The host clamps
// what is out of range; here it is refused, so that its author hears of it.
// [any thread]
#pragma once

#include <optional>
#include <string>

#include "pool_lab/strategy.h"

namespace lab::plugin {

// Names the first field out of range, its value and its range; nothing when all
// are in range.
std::optional<std::string> problem_with(const pl_plan &plan);
std::optional<std::string> problem_with(const pl_verdict &verdict);

} // namespace lab::plugin
