// What a step has cost a learner: time, checks, hints, the solution. [any thread]
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "loadtest/lab/path/progress.hpp"

namespace lab::path {

struct Effort {
  std::optional<std::chrono::milliseconds> taken; // from first sight to its end; none: not ended
  int checks = 0;
  int hints = 0; // the highest level shown
  bool solution_shown = false;
  int answers = 0; // all tries of all questions
};

Effort effort_of(const StepProgress &done);

// Of the tries before each `again`, oldest first. What is missing or damaged in the file
// counts as nothing.
std::vector<Effort> earlier_efforts(const StepProgress &done);

// All tries together: times and counts added, the highest of the hints.
Effort total_effort(const StepProgress &done);

// "7 min", "under a minute"; "-" for none.
std::string minutes_text(std::optional<std::chrono::milliseconds> taken);

} // namespace lab::path
