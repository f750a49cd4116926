// What a matrix's report shows, as JSON: the analysis, and from the runs what is drawn.
// [one thread]
#pragma once

#include <nlohmann/json.hpp>

#include "loadtest/matrix/folder.hpp"

namespace lab::matrix {

// {"matrix", "left", "design", "analysis", "machine", "facts", "measures", "cells", "curves",
// "timelines"}:
// - cells, in the order in which they were run: "cell", "profile", "arm", "block", "place" (from 1
//   on), "verdict", "why", and the measures' figures (null: none);
// - curves: for each profile and arm "points": [[share answered by then, 0 to 0.999, ms], ...] of
//   all successes of valid cells together (histograms merged);
// - timelines: of each profile and arm's first valid cell, from its begin, as timeline.hpp says.
// Throws std::runtime_error when a run can't be read.
nlohmann::json report_data(const Folder &folder);

} // namespace lab::matrix
