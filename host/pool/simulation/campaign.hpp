// Many schedules, on several threads: what `pool_simulation` and its test run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "host/pool/simulation/coverage.hpp"

namespace lab::pool::simulation {

struct Broken {
  std::uint64_t seed = 0; // of the schedule: run it alone to see it again
  int events = 0;         // told until then
  std::string what;
};

struct Found {
  std::uint64_t schedules = 0;
  Coverage coverage;
  std::optional<Broken> broken; // the one with the lowest seed that was met
};

// Runs the schedules of seeds `seed` to `seed` + `schedules` - 1, of `events` events or a
// few more. Stops early once a promise is broken. The result does not depend on `threads`,
// but for how many were run when one broke.
Found run_schedules(std::uint64_t seed, std::uint64_t schedules, int events, unsigned threads);

// One schedule, told in full: each event, each action, and the promise that broke, if any.
std::string replay(std::uint64_t seed, int events);

} // namespace lab::pool::simulation
