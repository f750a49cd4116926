#include "host/bench/overtakes.hpp"

#include <algorithm>

namespace lab::bench {

std::uint64_t overtakes(std::vector<Moment> moments, std::chrono::nanoseconds margin) {
  std::sort(moments.begin(), moments.end(),
            [](const Moment &a, const Moment &b) { return a.asked < b.asked; });
  std::uint64_t count = 0;
  for (auto early = moments.begin(); early != moments.end(); ++early)
    // Who asked after the early one was served can't have overtaken it.
    for (auto late = early + 1; late != moments.end() && late->asked < early->got; ++late)
      count += late->asked - early->asked > margin && early->got - late->got > margin;
  return count;
}

} // namespace lab::bench
