#include "loadtest/lab/bring_up.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "loadtest/lab/agent.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/host_process.hpp"
#include "loadtest/lab/ports.hpp"
#include "loadtest/lab/settings_file.hpp"
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
  const bool written = fd >= 0 && ::write(fd, text.data(), text.size()) >= 0;
  if (!written)
    fmt::print(stderr, "lab: {} is not made: {}\n", file.string(), std::strerror(errno));
  if (fd >= 0)
    ::close(fd);
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

} // namespace

Running bring_up(const Places &places, std::optional<unsigned short> port) {
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
  postgres.start();
  postgres.ensure_database();

  const Agent agent = agent_of_this_build(places);
  json said = wait_for_host(agent);
  if (has_to_start_anew(said, wanted))
    said = agent.ask("restart", restart_limit);
  const json &host = said.at("host");
  if (host.at("state") != "serving")
    throw SetUpFailed(fmt::format("the host does not serve: {}; see scripts/lab logs host",
                                  host.at("problem").get<std::string>()));
  make_settings_file(places, HostApi(wanted));
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
