// What /proc knows about a PostgreSQL cluster's processes. [any thread]
#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include <sys/types.h>

namespace lab::db {

// The postmaster that postmaster.pid in `data` names, if it is alive and really
// this cluster's: after a crash the number may be some other program's.
std::optional<pid_t> postmaster_of(const std::filesystem::path &data);

// All processes that work in `data`: the postmaster's, and after it was killed
// for a moment also those it left behind.
std::vector<pid_t> processes_in(const std::filesystem::path &data);

// Processor seconds of the postmaster, its live children and its ended ones.
// Nothing when there is no such process.
std::optional<double> cpu_seconds_of(pid_t postmaster);

} // namespace lab::db
