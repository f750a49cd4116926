// The main lesson: which strategies, under which loads, in which order.
#pragma once

#include <string>
#include <vector>

namespace lab::cli {

// The first cell, fixed_tiny on hold, is the first failure that a learner sees.
inline std::vector<std::string> lesson_strategies() {
  return {"fixed_tiny", "fixed_huge", "bounded_timeout", "adaptive"};
}

inline std::vector<std::string> lesson_profiles() {
  return {"hold", "contended", "ceiling"};
}

} // namespace lab::cli
