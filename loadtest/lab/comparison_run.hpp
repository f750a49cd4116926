// Several strategies under several profiles, cell after cell: what `lab` and
// `lab compare` do once they know what to run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loadtest/lab/cells.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/interrupt.hpp"
#include "loadtest/lab/load_options.hpp"
#include "loadtest/lab/places.hpp"
#include "loadtest/lab/terminal.hpp"

namespace lab::cli {

struct Comparison {
  std::string command; // "lab compare": what the load lock says
  std::vector<load::Profile> profiles;
  std::vector<Choice> strategies;
  std::uint64_t seed = 1;

  std::vector<Cell> cells() const; // profile by profile
};

// Throws SetUpFailed when a strategy or one of its settings isn't there, before
// anything has run.
void check_strategies(const HostApi &host, const std::vector<Choice> &strategies);

// Runs all cells, prints each as it ends and the comparison at the end, writes
// the runs. A Ctrl-C keeps and prints what is finished.
Exit run_comparison(const Places &places, const Comparison &comparison, const JsonOption &report,
                    Terminal &terminal);

} // namespace lab::cli
