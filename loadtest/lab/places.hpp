// Where things are. $LAB_HOME holds what runs, $LAB_WORK what is recorded and
// what is the learner's; scripts/lab sets both. [any thread]
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "db/child.hpp"
#include "db/private_postgres.hpp"

namespace lab::cli {

class Places {
public:
  Places(std::filesystem::path home, std::filesystem::path work);

  // From LAB_HOME and LAB_WORK. Without LAB_HOME: the one that this program is
  // installed in. Throws SetUpFailed.
  static Places from_environment();

  const std::filesystem::path &home() const { return home_; }
  const std::filesystem::path &work() const { return work_; }

  // What is installed.
  std::filesystem::path app() const { return home_ / "app"; }
  std::filesystem::path program(const std::string &name) const { return app() / "bin" / name; }
  std::filesystem::path strategies() const { return app() / "strategies"; }
  std::filesystem::path templates() const { return app() / "template"; } // of strategies
  std::filesystem::path page() const { return app() / "page"; }
  std::filesystem::path monitoring_parts() const { return app() / "monitoring"; }
  std::filesystem::path report_parts() const { return app() / "report"; }
  std::filesystem::path path_steps() const { return app() / "path" / "steps"; }
  std::filesystem::path path_solutions() const { return app() / "path" / "solutions"; }

  // What runs.
  std::filesystem::path postgres_folder() const { return home_ / "pg"; }
  std::filesystem::path handed_over() const { return home_ / "my"; }
  std::filesystem::path settings_for_host() const { return home_ / "settings.json"; }
  std::filesystem::path agent_socket() const { return home_ / "agent.sock"; }
  std::filesystem::path page_socket() const { return home_ / "page.sock"; } // for the hosts
  std::filesystem::path agent_lock() const { return home_ / "agent.lock"; }
  std::filesystem::path agent_log() const { return home_ / "agent.log"; }
  // Of one host each: 0 the first, 1 the second.
  std::filesystem::path copies(int host = 0) const { return home_ / named("copies", host); }
  std::filesystem::path host_record(int host = 0) const {
    return home_ / (named("host", host) + ".json");
  }
  std::filesystem::path host_log(int host = 0) const {
    return home_ / (named("host", host) + ".log");
  }
  std::filesystem::path monitoring() const { return home_ / "monitoring"; }
  std::filesystem::path up_lock() const { return home_ / "up.lock"; }
  std::filesystem::path fault_lock() const { return home_ / "fault.lock"; }

  // What is recorded.
  std::filesystem::path records() const { return work_ / ".lab"; }
  std::filesystem::path runs() const { return records() / "runs"; }
  std::filesystem::path calibration() const { return records() / "calibration.json"; }
  std::filesystem::path matrices() const { return records() / "matrix"; }
  std::filesystem::path progress() const { return records() / "progress.json"; }
  std::filesystem::path reports() const { return records() / "reports"; }
  std::filesystem::path load_lock() const { return records() / "load.lock"; }
  std::filesystem::path faults() const { return records() / "faults.json"; }
  std::filesystem::path state() const { return records() / "state.json"; }
  std::filesystem::path my_strategies() const { return work_ / "my" / "strategies"; }

  std::filesystem::path my_profiles() const { return work_ / "my" / "profiles"; }

  std::filesystem::path my_settings() const { return work_ / "my" / "settings.toml"; }

  // Makes the folders. Called by root: the home can be entered by the lab's
  // user, to whom the copies belong; called by anyone else it is private.
  // Throws SetUpFailed.
  void make(const db::LabUser &user) const;

  db::PrivatePostgres postgres(const db::LabUser &user) const;

  // Tells a program that is started where things are.
  std::map<std::string, std::string> environment() const;

private:
  static std::string named(const std::string &what, int host); // "copies", "copies-2"

  std::filesystem::path home_;
  std::filesystem::path work_;
};

} // namespace lab::cli
