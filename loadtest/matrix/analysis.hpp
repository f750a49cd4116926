// From the summaries of a matrix's cells to what may be said about its arms. [any thread]
//
// Each measure is compared pair by pair inside the blocks that both arms finished. Rates and
// times are compared as ratios (the mean of the logarithms' differences, so that twice as much
// and half as much weigh the same), shares of failures as differences in points.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "loadtest/matrix/design.hpp"

namespace lab::matrix {

struct Measure {
  const char *name; // "ok_per_second"
  const char *path; // of the summary's number
  const char *unit; // "ms"; of a difference "points"
  bool ratio;
  double matters; // the smallest effect of interest: 0.05 is 5 %, or points
  bool more_is_better;
};

// ok_per_second (5 %), p99_ms (10 %; of all requests, so none where more than 1 % failed or
// were cut off),
// failed_percent (0.5 points).
const std::vector<Measure> &measures();

struct Finished {
  Cell cell;
  nlohmann::json summary;
};

// {"blocks", "seed", "profiles": [{"profile", "what", "arms": [...], "twins": [...],
// "pairs": [...]}]}, as docs/matrix.md describes it. A pair of an arm and its twin is under
// `twins`, with its p as it is; the others under `pairs`, p adjusted over all pairs of that
// profile and measure. Pairs with a handicapped arm are among the others.
nlohmann::json analyse(const Design &design, const std::vector<Finished> &finished);

} // namespace lab::matrix
