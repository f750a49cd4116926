// Running cells: one strategy under one profile, each from the same database
// state and with a pool at rest. Keeps the load lock while it lives, and leaves
// the database as seeded and the strategy that was in use.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "loadtest/generator.hpp"
#include "loadtest/lab/bring_up.hpp"
#include "loadtest/lab/interrupt.hpp"
#include "loadtest/lab/load_lock.hpp"
#include "loadtest/lab/places.hpp"
#include "loadtest/lab/state.hpp"
#include "loadtest/lab/terminal.hpp"

namespace lab::cli {

struct Cell {
  load::Profile profile;
  std::optional<Choice> strategy;        // nothing: the one in use, as it is
  std::optional<load::Fault> fault = {}; // what is done to the lab in its middle
};

// What a cell takes besides its load: reset, swap, last answers.
std::chrono::seconds estimated_time(const std::vector<Cell> &cells);

class CellRunner { // [one thread]
public:
  // `command` is what the lock says: "lab compare". Throws SetUpFailed.
  CellRunner(const Places &places, const std::string &command, Terminal &terminal,
             const Interrupt &interrupt);

  // The pool as it was; the database as seeded. Says what fails, throws nothing.
  ~CellRunner();

  // An invalid run is tried once more. Throws Interrupted when a Ctrl-C came
  // before or during it; SetUpFailed and std::runtime_error when it can't be run.
  load::RunResult run(const Cell &cell, std::uint64_t seed, const std::string &label);

  // As `run`, once, and a Ctrl-C gives what is finished.
  load::RunResult run_once(const Cell &cell, std::uint64_t seed, const std::string &label);

private:
  Running lab_again() const;
  void wait_for_rest(const std::vector<HostApi> &hosts) const;

  const Places &places_;
  Terminal &terminal_;
  const Interrupt &interrupt_;
  LoadLock lock_;
  bool swapped_ = false;
  nlohmann::json facts_;
};

// One line on a finished cell, from its summary.
std::string result_line(const nlohmann::json &summary);

} // namespace lab::cli
