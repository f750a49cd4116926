// A step's texts with numbers that are true for this learner: they come from the learner's own
// run, or, before it, from what the run asks for at the pace in force. [any thread]
#pragma once

#include <string>

#include "loadtest/lab/path/evidence.hpp"
#include "loadtest/lab/path/progress.hpp"
#include "loadtest/lab/path/step.hpp"

namespace lab::path {

// The step with all formulas in its texts filled in. A run that isn't there yet has what it asks
// for, under the names of its summary to come (small.hold_ms, small.rate_asked); small.commands
// are what to type for it.
Step told(const Step &step, const Progress &progress, const Evidence &evidence);

// On a machine that gets less than the step's page says: which numbers are others here. "" when
// none are.
std::string pace_note(const Step &step, double pace);

} // namespace lab::path
