// Debian's prometheus-postgres-exporter, looking at the lab's database with the monitor's
// rights: one connection, kept open, at the ceiling on the superuser's reserve where the login may.
// No password stands in its command line or environment. [one command at a time]
#pragma once

#include <string>

#include "db/lab_database.hpp"
#include "loadtest/lab/monitoring/daemon.hpp"

namespace lab::cli {

inline constexpr const char *exporter_name = "exporter";
inline constexpr const char *exporter_program = "prometheus-postgres-exporter";

class Exporter {
public:
  Exporter(const std::string &program, unsigned short port, const db::LabDatabase &database,
           const db::LabUser &user);
  ~Exporter();
  Exporter(const Exporter &) = delete;
  Exporter &operator=(const Exporter &) = delete;

  const Daemon &daemon() const { return daemon_; }

private:
  Daemon daemon_;
  int password_ = -1; // a file in memory, for a database that is not the lab's
};

// What is wrong with the one that serves there, in one line; "" when nothing is.
std::string exporter_problem(const Places &places, unsigned short port);

} // namespace lab::cli
