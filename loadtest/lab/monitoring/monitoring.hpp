// `lab up --monitoring`: Prometheus and a PostgreSQL exporter, Grafana where it is
// installed, on this machine's loopback, with dashboard/monitoring's files.
//
// In a container that has Prometheus and Grafana as services beside the lab
// (LAB_MONITORING=beside) the exporter alone is started. [one command at a time, under the
// lock of `up`; looking: any thread]
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <sys/types.h>

#include "db/lab_database.hpp"
#include "loadtest/lab/places.hpp"
#include "loadtest/lab/process.hpp"
#include "loadtest/lab/state.hpp"

namespace lab::cli {

// Ports that have to be free for it, or its own, beside those of the hosts.
std::vector<unsigned short> monitoring_ports(unsigned short base);

// The processes that its records name.
std::vector<ProcessId> monitoring_processes(const Places &places);

// Throws SetUpFailed when a program is not installed. Before anything is started.
void require_monitoring_programs();

// Starts what is missing, and starts anew what runs otherwise than it is to. Throws
// SetUpFailed.
void start_monitoring(const Places &places, const State &state, const db::LabDatabase &database,
                      const db::LabUser &user);

// What it stopped: "Prometheus", ...
std::vector<std::string> stop_monitoring(const Places &places);

// prometheus_url, prometheus_pid, exporter_url, exporter_pid, grafana_url, grafana_pid; a pid is
// null where it doesn't run or runs beside the lab, grafana_url where there is no Grafana. What
// is wrong is added to `problems`.
nlohmann::json monitoring_report(const Places &places, const State &state, bool database_well,
                                 nlohmann::json &problems);

// Where to look, for people, a line each.
std::vector<std::string> monitoring_lines(const State &state);

} // namespace lab::cli
