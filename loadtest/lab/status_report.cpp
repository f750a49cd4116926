#include "loadtest/lab/status_report.hpp"

#include <chrono>
#include <string>

#include <fmt/format.h>

#include "db/conninfo.hpp"
#include "loadtest/lab/agent.hpp"
#include "loadtest/lab/database.hpp"
#include "loadtest/lab/disk_space.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/host_api.hpp"
#include "loadtest/lab/host_process.hpp"
#include "loadtest/lab/state.hpp"

namespace lab::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

void look_at_agent(const Places &places, json &report) {
  const auto agent = Agent::find(places);
  if (!agent) {
    report["problems"].push_back("the agent does not run: run scripts/lab up");
    return;
  }
  report["agent_pid"] = agent->process().pid;
  try {
    const json said = agent->ask("status", 5s);
    report["events"] = said.at("events");
    if (said.at("host").at("state") == "down")
      report["problems"].push_back(said.at("host").at("problem"));
    if (const auto settings = said.value("settings_problem", ""); !settings.empty())
      report["problems"].push_back(settings);
  } catch (const SetUpFailed &e) {
    report["problems"].push_back(e.what());
  }
}

void look_at_host(const Places &places, const HostApi &host, bool database_well, json &report) {
  const auto record = recorded_host(places);
  if (!record) {
    report["problems"].push_back("the host does not run: run scripts/lab up");
    return;
  }
  report["host_pid"] = record->process.pid;
  try {
    const json strategy = host.strategy();
    report["strategy"] = strategy.at("name");
    report["strategy_state"] = strategy.at("state");
    report["params"] = strategy.at("params");
    if (strategy.at("state") != "ok") {
      const json &problem = strategy.at("problem");
      report["problems"].push_back(
          problem.is_string() ? problem.get<std::string>()
                              : "no strategy is in force, only the plan that is compiled in");
    }
    const json pool = host.pool();
    if (pool.contains("last_connect_error") && pool.at("last_connect_error").is_string() &&
        pool.at("open") == 0)
      report["problems"].push_back("the host has no connection to the database: " +
                                   pool.at("last_connect_error").get<std::string>());
    else if (const json health = host.health(); database_well && health.contains("database"))
      report["problems"].push_back("the host can't look at the database: " +
                                   health.at("database").get<std::string>());
  } catch (const std::exception &e) {
    report["problems"].push_back(e.what());
  }
}

} // namespace

json status_report(const Places &places) {
  const State state = StateFile(places.state()).read();
  const db::LabUser user = db::lab_user();
  const auto record = recorded_host(places);
  const HostApi host(record ? record->port : state.port);
  const auto database = database_called(state.database, places, user);
  json report = {{"up", false},
                 {"host_url", host.url()},
                 {"database", state.database.empty() ? own_database : "foreign"},
                 {"database_url", db::url_of(database->conninfo_jobs())},
                 {"host_pid", nullptr},
                 {"postgres_pid", nullptr},
                 {"agent_pid", nullptr},
                 {"strategy", state.in_use.name},
                 {"strategy_state", "down"},
                 {"params", state.in_use.params},
                 {"refused", state.refused},
                 {"events", json::array()},
                 {"problems", json::array()}};
  const auto postgres = database->pid();
  if (const auto full = full_disk(places))
    report["problems"].push_back(*full);
  if (!record && !postgres && !Agent::find(places)) {
    report["problems"].push_back("the lab is not up: run scripts/lab up");
    return report;
  }
  if (postgres)
    report["postgres_pid"] = *postgres;
  const auto trouble = database->problem();
  if (trouble)
    report["problems"].push_back(*trouble);
  look_at_agent(places, report);
  look_at_host(places, host, !trouble, report);
  report["up"] = !trouble && record;
  for (const auto &[name, reason] : state.refused)
    report["problems"].push_back(
        fmt::format("{} is refused, for under it {}; try it again with scripts/lab use {}", name,
                    reason, name));
  return report;
}

} // namespace lab::cli
