#include "loadtest/lab/bring_up.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <regex>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "db/conninfo.hpp"
#include "db/faults.hpp"
#include "db/foreign_database.hpp"
#include "loadtest/lab/agent.hpp"
#include "loadtest/lab/database.hpp"
#include "loadtest/lab/disk_space.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/faults/in_force.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/forwarding.hpp"
#include "loadtest/lab/host_process.hpp"
#include "loadtest/lab/lab_processes.hpp"
#include "loadtest/lab/load_lock.hpp"
#include "loadtest/lab/monitoring/monitoring.hpp"
#include "loadtest/lab/ports.hpp"
#include "loadtest/lab/settings_file.hpp"
#include "loadtest/lab/state.hpp"

namespace lab::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

// A host that drains, and one that starts.
constexpr auto restart_limit = drain_limit + 30s;

constexpr auto enter_limit = 5s;

Agent agent_of_this_build(const Places &places) {
  if (const auto agent = Agent::find(places)) {
    if (!program_was_replaced(agent->process().pid))
      return *agent;
    agent->end("leave");
  }
  return Agent::start(places);
}

// The strategies' settings, for the learner to change. Never touches a file that
// is there. A lab without one is up all the same, and the next `up` tries again.
void make_settings_file(const Places &places, const HostApi &host) {
  const auto file = places.my_settings();
  if (std::filesystem::is_symlink(file) || std::filesystem::exists(file))
    return;
  std::string text;
  try {
    text = example_settings(host.strategies());
  } catch (const std::exception &) {
    return; // the host ended; the agent deals with that
  }
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  const bool written =
      fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (fd >= 0 && !written)
    ::unlink(file.c_str()); // half of it would stay for ever
  if (!written)
    fmt::print(stderr, "lab: {} is not made: {}\n", file.string(), std::strerror(errno));
  if (fd >= 0)
    ::close(fd);
}

// The agent answers `status` at once; a host may still be starting.
json wait_for_hosts(const Agent &agent) {
  const auto deadline = std::chrono::steady_clock::now() + restart_limit;
  for (;;) {
    const json said = agent.ask("status", restart_limit);
    const json &hosts = said.at("hosts");
    if (std::none_of(hosts.begin(), hosts.end(),
                     [](const json &host) { return host.at("state") == "starting"; }))
      return said;
    if (std::chrono::steady_clock::now() > deadline)
      throw SetUpFailed("a host is starting, but doesn't serve: see scripts/lab logs");
    std::this_thread::sleep_for(20ms);
  }
}

// Or to end, where it is one more than the lab is to have.
bool has_to_start_anew(const Places &places, int number, const json &host, const State &state) {
  if (number >= state.hosts)
    return host.at("state") != "absent";
  const auto record = recorded_host(places, number);
  return host.at("state") != "serving" || host.at("port") != state.port_of(number) ||
         program_was_replaced(host.at("pid")) || !record || record->database != state.database ||
         record->origins != state.origins_of(number);
}

// The host connects as another user than this program, maybe, so that this one got
// in says little. Its monitor looks twice a second.
void wait_until_it_enters(const HostApi &host, const db::LabDatabase &database) {
  const auto deadline = std::chrono::steady_clock::now() + enter_limit;
  for (;;) {
    const json health = host.health();
    if (!health.contains("database") && !health.at("pending_jobs").is_null())
      return;
    if (std::chrono::steady_clock::now() > deadline)
      throw SetUpFailed(
          fmt::format("the host (user {}) can't enter {}: {}; let it in, or use another "
                      "database",
                      db::lab_user().name, db::url_of(database.conninfo_jobs()),
                      health.value("database", "it got no answer")));
    std::this_thread::sleep_for(20ms);
  }
}

std::vector<std::string> checked_origins(const std::vector<std::string> &origins) {
  if (origins.size() == 1 && origins[0] == "none")
    return {};
  static const std::regex good("https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?");
  for (const std::string &origin : origins)
    if (!std::regex_match(origin, good))
      throw SetUpFailed(fmt::format("\"{}\" is no origin: it is written https://NAME or "
                                    "https://NAME:PORT, without a path",
                                    origin));
  return origins;
}

// What no file names any more is still frozen; but what somebody does now is his.
void thaw_what_was_left(const Places &places, const State &state, const db::LabUser &user) {
  if (state.database.empty() && !is_in_force(places, "freeze"))
    db::thaw(places.postgres(user));
}

void start(db::LabDatabase &database) {
  try {
    database.start();
    database.ensure_database();
  } catch (const std::exception &e) {
    throw SetUpFailed(e.what() + advice_on_room(e.what()));
  }
}

// Agent and hosts as `state` wants them.
std::vector<RunningHost> hosts_on(const Places &places, const State &state) {
  const Agent agent = agent_of_this_build(places);
  json said = wait_for_hosts(agent);
  std::vector<int> anew;
  for (int number = 0; number < most_hosts; ++number)
    if (has_to_start_anew(places, number, said.at("hosts").at(number), state))
      anew.push_back(number);
  if (!anew.empty())
    said = agent.restart(anew, restart_limit);
  std::vector<RunningHost> hosts;
  for (int number = 0; number < state.hosts; ++number) {
    const json &host = said.at("hosts").at(number);
    if (host.at("state") != "serving")
      throw SetUpFailed(fmt::format("{} does not serve: {}; see scripts/lab logs host",
                                    host_name(number), host.at("problem").get<std::string>()));
    hosts.push_back({host.at("port"), host.at("pid")});
  }
  return hosts;
}

std::vector<pid_t> recorded_hosts(const Places &places) {
  std::vector<pid_t> pids;
  for (int number = 0; number < most_hosts; ++number)
    if (const auto host = recorded_host(places, number))
      pids.push_back(host->process.pid);
  return pids;
}

// Hosts and what monitors them.
std::vector<unsigned short> ports_needed(unsigned short base, const State &state) {
  std::vector<unsigned short> ports;
  for (int number = 0; number < state.hosts; ++number)
    ports.push_back(static_cast<unsigned short>(base + number));
  if (state.monitoring)
    for (const unsigned short port : monitoring_ports(base))
      ports.push_back(port);
  return ports;
}

// Hosts' and monitors': these may have the lab's ports.
std::vector<pid_t> with_monitors(const Places &places, std::vector<pid_t> pids) {
  for (const ProcessId &monitor : monitoring_processes(places))
    pids.push_back(monitor.pid);
  return pids;
}

// While an agent runs it may be starting a host anew at this very moment: what has a port is the
// lab's own as soon as it is recorded, which is soon.
void require_ports_for(const Places &places, const State &state) {
  const auto deadline = std::chrono::steady_clock::now() + 1s;
  for (;;) {
    try {
      require_ports(
          state.port, [&state](unsigned short base) { return ports_needed(base, state); },
          with_monitors(places, recorded_hosts(places)));
      return;
    } catch (const SetUpFailed &) {
      if (!Agent::find(places) || std::chrono::steady_clock::now() > deadline)
        throw;
    }
    std::this_thread::sleep_for(50ms);
  }
}

// The new database was no good: the lab is as it was, up or down.
void go_back(const Places &places, const State &before, bool was_up) {
  StateFile(places.state()).change([&before](State &s) {
    s.port = before.port;
    s.hosts = before.hosts;
    s.monitoring = before.monitoring;
    s.database = before.database;
    s.origins = before.origins;
    s.forwarded = before.forwarded;
  });
  const auto agent = Agent::find(places);
  if (agent && was_up)
    (void)agent->ask("restart", restart_limit);
  else if (agent)
    agent->end("stop");
}

} // namespace

void Wanted::add_to(CLI::App &command) {
  command.add_option("--port", port, "Port of host and page from now on (at first 3000)")
      ->check(CLI::Range(1024, 65000))
      ->option_text("BASE");
  command
      .add_option("--hosts", hosts,
                  "How many hosts share the database from now on (at first 1); the second one is "
                  "at the next port")
      ->check(CLI::Range(1, most_hosts))
      ->option_text("1|2");
  command.add_flag_function(
      "--monitoring,!--no-monitoring", [this](std::int64_t said) { monitoring = said > 0; },
      "Prometheus and a PostgreSQL exporter from now on, and Grafana where it is "
      "installed; or no longer");
  command
      .add_option("--database", database,
                  fmt::format("Work on this database from now on, in a schema of the lab's own; "
                              "{}: the lab's own PostgreSQL",
                              own_database))
      ->option_text("URL");
  command
      .add_option("--allow-origin", origins,
                  "Origin that may call the host from now on besides its own, for a browser editor "
                  "that forwards the port; may be given again; none: no other")
      ->allow_extra_args(false)
      ->option_text("https://NAME");
}

Running bring_up(const Places &places, const Wanted &wanted) {
  if (const auto full = full_disk(places))
    throw SetUpFailed(*full);
  const db::LabUser user = db::lab_user();
  places.make(user);
  (void)undo_left_faults(places); // before the lock, which undoing a kill takes
  const auto one_at_a_time = FileLock::wait_for(places.up_lock());

  const StateFile file(places.state());
  State state = file.read();
  const State before = state;
  state.port = wanted.port.value_or(state.port);
  state.hosts = wanted.hosts.value_or(state.hosts);
  state.monitoring = wanted.monitoring.value_or(state.monitoring);
  if (wanted.database)
    state.database =
        *wanted.database == own_database ? "" : db::ForeignDatabase::checked(*wanted.database);
  if (!wanted.origins.empty())
    state.origins = checked_origins(wanted.origins);
  // Remembered as well: `up` may be called from where the editor's variables are not.
  if (const auto forwarded = forwarded_origins(own_environment()); !forwarded.empty())
    state.forwarded = forwarded;
  // The half of what is free would not be shared out: whoever came first would have it.
  if (!state.database.empty() && state.hosts > 1)
    throw SetUpFailed("two hosts are for the lab's own PostgreSQL: on another database say "
                      "--hosts 1, or go back with --database private");
  // Asked before anything is started or remembered.
  if (state.monitoring)
    require_monitoring_programs();
  require_ports_for(places, state);
  const auto hosts_before = recorded_hosts(places);
  std::optional<LoadLock> no_load;
  if (state.database != before.database || state.hosts != before.hosts)
    no_load.emplace(LoadLock::take(places.load_lock(), state.database != before.database
                                                           ? "lab up --database"
                                                           : "lab up --hosts"));
  const auto database = database_called(state.database, places, user);
  thaw_what_was_left(places, state, user);
  start(*database);
  forget_fault(places, "kill");
  if (state.port != before.port || state.hosts != before.hosts ||
      state.database != before.database || state.origins != before.origins ||
      state.forwarded != before.forwarded || state.monitoring != before.monitoring)
    file.change([&state](State &s) {
      s.port = state.port;
      s.hosts = state.hosts;
      s.monitoring = state.monitoring;
      s.database = state.database;
      s.origins = state.origins;
      s.forwarded = state.forwarded;
    });

  Running running{{}, database->pid().value_or(0), user};
  try {
    running.hosts = hosts_on(places, state);
    make_settings_file(places, running.host());
    for (const HostApi &host : running.all_hosts())
      wait_until_it_enters(host, *database);
  } catch (const std::exception &) {
    if (state.database != before.database)
      go_back(places, before, !hosts_before.empty());
    throw;
  }
  // Last: it looks at what runs, and nothing waits for it.
  if (state.monitoring)
    start_monitoring(places, state, *database, user);
  else
    stop_monitoring(places);
  if (!state.database.empty())
    places.postgres(user).stop(); // serves nobody any more
  return running;
}

std::vector<HostApi> Running::all_hosts() const {
  std::vector<HostApi> all;
  for (const RunningHost &host : hosts)
    all.emplace_back(host.port);
  return all;
}

std::string take_down(const Places &places) {
  std::error_code absent;
  if (!std::filesystem::exists(places.home(), absent))
    return "";
  const auto one_at_a_time = FileLock::wait_for(places.up_lock());
  std::vector<std::string> stopped = stop_monitoring(places);
  const auto hosts = recorded_hosts(places).size();
  const auto agent = Agent::find(places);
  if (agent)
    agent->end("stop");
  if (hosts > 0)
    stopped.push_back(hosts == 1 ? "host" : fmt::format("{} hosts", hosts));
  // One without an agent, or that the agent had just started.
  for (int number = 0; number < most_hosts; ++number)
    if (const auto host = recorded_host(places, number);
        host && !end_process(host->process, drain_limit))
      throw SetUpFailed(
          fmt::format("{} (process {}) does not end", host_name(number), host->process.pid));
  if (agent)
    stopped.push_back("agent");
  forget_faults(places); // so that nobody who ends one starts PostgreSQL afterwards
  auto postgres = places.postgres(db::lab_user());
  if (postgres.pid()) {
    postgres.stop();
    stopped.push_back("PostgreSQL");
  }
  // What no record names: they were damaged, or belong to a home that was moved.
  for (const LabProcess &left : lab_processes(places)) {
    if (!end_process(left.id, drain_limit))
      throw SetUpFailed(fmt::format("process {} ({}) does not end: end it with kill -9 {}",
                                    left.id.pid, left.program, left.id.pid));
    stopped.push_back(left.program);
  }
  return fmt::format("{}", fmt::join(stopped, ", "));
}

Running running_lab(const Places &places) {
  const State state = StateFile(places.state()).read();
  Running running{{}, 0, db::lab_user()};
  for (int number = 0; number < state.hosts; ++number) {
    const auto host = recorded_host(places, number);
    if (!host && number == 0)
      throw SetUpFailed("the lab is not up: run scripts/lab up");
    if (!host)
      throw SetUpFailed(fmt::format("{} does not run: run scripts/lab up", host_name(number)));
    running.hosts.push_back({host->port, host->process.pid});
  }
  running.postgres_pid = database_in_use(places, running.user)->pid().value_or(0);
  return running;
}

} // namespace lab::cli
