#include "loadtest/lab/bring_up.hpp"

#include <chrono>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "loadtest/lab/agent.hpp"
#include "loadtest/lab/disk_space.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/host_process.hpp"
#include "loadtest/lab/lab_processes.hpp"
#include "loadtest/lab/ports.hpp"
#include "loadtest/lab/state.hpp"

namespace lab::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

// A host that drains, and one that starts.
constexpr auto restart_limit = drain_limit + 30s;

Agent agent_of_this_build(const Places &places) {
  if (const auto agent = Agent::find(places)) {
    if (!program_was_replaced(agent->process().pid))
      return *agent;
    agent->end("leave");
  }
  return Agent::start(places);
}

// The agent answers `status` at once; the host may still be starting.
json wait_for_host(const Agent &agent) {
  const auto deadline = std::chrono::steady_clock::now() + restart_limit;
  for (;;) {
    const json said = agent.ask("status", restart_limit);
    if (said.at("host").at("state") != "starting")
      return said;
    if (std::chrono::steady_clock::now() > deadline)
      throw SetUpFailed("the host is starting, but doesn't serve: see scripts/lab logs");
    std::this_thread::sleep_for(20ms);
  }
}

bool has_to_start_anew(const json &said, unsigned short port) {
  const json &host = said.at("host");
  return host.at("state") != "serving" || host.at("port") != port ||
         program_was_replaced(host.at("pid"));
}

void start_postgres(db::PrivatePostgres &postgres) {
  try {
    postgres.start();
    postgres.ensure_database();
  } catch (const std::exception &e) {
    throw SetUpFailed(e.what() + advice_on_room(e.what()));
  }
}

} // namespace

Running bring_up(const Places &places, std::optional<unsigned short> port) {
  if (const auto full = full_disk(places))
    throw SetUpFailed(*full);
  const db::LabUser user = db::lab_user();
  places.make(user);
  const auto one_at_a_time = FileLock::wait_for(places.up_lock());

  const StateFile state(places.state());
  const auto before = recorded_host(places);
  const unsigned short wanted = port.value_or(state.read().port);
  // Asked before anything is started or remembered.
  require_port(wanted, before ? std::optional(before->process.pid) : std::nullopt);
  if (wanted != state.read().port)
    state.change([wanted](State &s) { s.port = wanted; });

  auto postgres = places.postgres(user);
  start_postgres(postgres);

  const Agent agent = agent_of_this_build(places);
  json said = wait_for_host(agent);
  if (has_to_start_anew(said, wanted))
    said = agent.ask("restart", restart_limit);
  const json &host = said.at("host");
  if (host.at("state") != "serving")
    throw SetUpFailed(fmt::format("the host does not serve: {}; see scripts/lab logs host",
                                  host.at("problem").get<std::string>()));
  return {wanted, host.at("pid"), postgres.pid().value_or(0), user};
}

std::string take_down(const Places &places) {
  std::error_code absent;
  if (!std::filesystem::exists(places.home(), absent))
    return "";
  const auto one_at_a_time = FileLock::wait_for(places.up_lock());
  std::vector<std::string> stopped;
  auto host = recorded_host(places);
  const auto agent = Agent::find(places);
  if (agent)
    agent->end("stop");
  if (host)
    stopped.push_back("host");
  // One without an agent, or that the agent had just started.
  if ((host = recorded_host(places)) && !end_process(host->process, drain_limit))
    throw SetUpFailed(fmt::format("the host (process {}) does not end", host->process.pid));
  if (agent)
    stopped.push_back("agent");
  auto postgres = places.postgres(db::lab_user());
  if (postgres.pid()) {
    postgres.stop();
    stopped.push_back("PostgreSQL");
  }
  // What no record names: they were damaged, or belong to a home that was moved.
  for (const LabProcess &left : lab_processes(places))
    if (end_process(left.id, drain_limit))
      stopped.push_back(left.program);
  return fmt::format("{}", fmt::join(stopped, ", "));
}

Running running_lab(const Places &places) {
  const auto host = recorded_host(places);
  const db::LabUser user = db::lab_user();
  const auto postgres = places.postgres(user).pid();
  if (!host)
    throw SetUpFailed("the lab is not up: run scripts/lab up");
  return {host->port, host->process.pid, postgres.value_or(0), user};
}

} // namespace lab::cli
