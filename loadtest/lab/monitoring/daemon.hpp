// A program that `lab up --monitoring` leaves running: started as the lab's user, and
// recorded in $LAB_HOME/monitoring/NAME.json, so that a later command finds it. Nobody
// watches over it: if it ends, `lab status` says so and the next `lab up` starts it.
// [one command at a time, under the lock of `up`; looking: any thread]
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "db/child.hpp"
#include "loadtest/lab/places.hpp"
#include "loadtest/lab/process.hpp"

namespace lab::cli {

// In the environment of each, with the home that it belongs to: it is found by that when
// its record is lost.
inline constexpr const char *belongs_to = "POOL_LAB_MONITORING_OF";

struct Daemon {
  std::string name;  // of its record and its log: "prometheus"
  std::string title; // for people: "Prometheus"
  unsigned short port = 0;
  std::string ready; // the path that answers 200 once it serves; "": not waited for
  std::vector<std::string> argv;
  std::map<std::string, std::string> environment = {};
  std::vector<std::pair<int, int>> pass = {};
  std::string config = {}; // what it reads at its start: when that changes, it is started anew
};

struct DaemonRecord {
  ProcessId process;
  unsigned short port = 0;
  std::string started_as; // program, words, environment, what it read
};

// What its record says, if that process still lives.
std::optional<DaemonRecord> recorded_daemon(const Places &places, const std::string &name);

std::filesystem::path daemon_log(const Places &places, const std::string &name);

// Does nothing when it runs as it should. Throws SetUpFailed.
void ensure_runs(const Places &places, const db::LabUser &user, const Daemon &daemon);

// False when none ran. Throws SetUpFailed when it doesn't end.
bool end_daemon(const Places &places, const std::string &name);

// A program of that name in PATH; nothing when there is none.
std::optional<std::string> program_in_path(const std::string &name);

} // namespace lab::cli
