// How much of a step's load a machine is given: less, once it was too busy for a run.
// [any thread]
#pragma once

#include <nlohmann/json.hpp>

#include "loadtest/lab/path/step.hpp"

namespace lab::path {

// Holds grow as the rate goes down. Below a quarter of it they are so long that chance
// decides: step 6's own solution fails at an eighth.
inline constexpr double least_pace = 0.25;

// Whether a run is invalid since there was too much to do, which a smaller load may mend.
bool too_busy(const nlohmann::json &summary);

// After such a run: by what others left of the machine.
double slower(double pace, const nlohmann::json &summary);

// What a run asks for at a pace; 0: the load's own.
struct Asked {
  int rate = 0;
  int hold_ms = 0;
};
Asked asked_of(const PlannedRun &planned, double pace);

// Whether it asks for less at this pace than the run that was recorded.
bool asks_for_less(const PlannedRun &planned, double pace, const nlohmann::json &summary);

} // namespace lab::path
