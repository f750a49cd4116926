// All processes of a lab, found by the program they run, whatever the lab's own
// records say: a damaged home still has to be taken down. [any thread]
#pragma once

#include <string>
#include <vector>

#include "loadtest/lab/places.hpp"
#include "loadtest/lab/process.hpp"

namespace lab::cli {

struct LabProcess {
  ProcessId id;
  std::string program; // "lab_host", "lab agent", "postgres", "prometheus"
};

// Agents, hosts and verifiers of this home, PostgreSQL's, and what monitors them. Not the programs
// that people call, such as this one.
std::vector<LabProcess> lab_processes(const Places &places);

} // namespace lab::cli
