// What `lab doctor` looks at: whether this machine is fit for the lab, and what
// is wrong. Each function looks only, changes nothing and never throws; what it
// can't see is not complained about. [any thread]
#pragma once

#include <string>
#include <vector>

#include "loadtest/lab/places.hpp"

namespace lab::cli {

struct Check {
  enum class Result { ok, warn, bad };
  std::string name; // "memory"
  Result result = Result::ok;
  std::string said;    // what was found: one line
  std::string to_do{}; // "" when nothing has to be done
};

// The machine as it is: system, processors, memory, limits, programs, loopback.
std::vector<Check> machine_checks();

// Where the lab lives: room, rights, paths, the port, the user.
std::vector<Check> place_checks(const Places &places);

// What runs, what was left behind, other PostgreSQLs. Asks the agent and the
// host, so it may take some seconds when they hang.
std::vector<Check> running_checks(const Places &places);

// Which programs take the processor, over a second.
Check processor_check(const Places &places);

} // namespace lab::cli
