// The scripted storm: observations that a strategy may meet, plausible and
// extreme, always the same ones. [any thread]
#pragma once

#include <cstddef>
#include <vector>

#include "pool_lab/strategy.h"

namespace lab::plugin {

struct Moment {
  const char *scene = ""; // "overload", for messages
  pl_observation seen{};
};

// One pass. An observation depends on the plan before it, as in the pool, so
// the storm is stepped and not listed.
class Storm {
public:
  Storm();

  static constexpr std::size_t length = 320;
  // `plan`: what the strategy asked for at the last look, in range. The samples
  // that the moment points to are valid until the next step.
  Moment step(const pl_plan &plan);
  // A request that has to wait in the moment last stepped to; `number` from 0.
  pl_ask ask(std::size_t number) const;

private:
  void draw_samples(pl_observation &seen);

  std::size_t number_ = 0;
  pl_ns now_ = 0;
  std::vector<pl_sample> samples_;
  pl_observation last_{};
};

} // namespace lab::plugin
