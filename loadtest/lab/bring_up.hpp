// Starting what is missing, and stopping all: PostgreSQL, agent, hosts, monitoring.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "db/child.hpp"
#include "loadtest/lab/host_api.hpp"
#include "loadtest/lab/places.hpp"

namespace CLI {
class App;
}

namespace lab::cli {

struct RunningHost {
  unsigned short port = 0;
  pid_t pid = 0;
};

// The lab as it runs, with what a command needs of it.
struct Running {
  std::vector<RunningHost> hosts; // all that the lab is to have, the first one first
  pid_t postgres_pid = 0;         // 0: not running, or not the lab's
  db::LabUser user;

  HostApi host() const { return HostApi(hosts.front().port); } // the first
  std::vector<HostApi> all_hosts() const;
};

// What is to hold from now on, where it is said.
struct Wanted {
  std::optional<unsigned short> port = {};
  std::optional<int> hosts = {};
  std::optional<bool> monitoring = {};
  std::optional<std::string> database = {}; // a URL, or `own_database` (database.hpp)
  std::vector<std::string> origins = {};    // in place of those of before; "none": none

  void add_to(CLI::App &command); // --port, --hosts, --monitoring, --database, --allow-origin
};

// Starts what doesn't run, and starts anew what runs from an older build or on
// another database. A database that is not fit leaves all as it was. Throws
// SetUpFailed and std::runtime_error, one line. [any process: one at a time, the
// next one waits]
Running bring_up(const Places &places, const Wanted &wanted = {});

// Stops monitoring, hosts, agent and PostgreSQL, as far as they run. Only processes that the
// lab has started. Answers what it stopped: "host, agent, PostgreSQL".
std::string take_down(const Places &places);

// The lab when it is up with all its hosts. Throws SetUpFailed when it isn't.
Running running_lab(const Places &places);

} // namespace lab::cli
