#include "loadtest/lab/status_report.hpp"

#include <chrono>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "db/conninfo.hpp"
#include "loadtest/lab/agent.hpp"
#include "loadtest/lab/database.hpp"
#include "loadtest/lab/disk_space.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/faults/in_force.hpp"
#include "loadtest/lab/host_api.hpp"
#include "loadtest/lab/host_process.hpp"
#include "loadtest/lab/monitoring/monitoring.hpp"
#include "loadtest/lab/pool_problems.hpp"
#include "loadtest/lab/state.hpp"
#include "loadtest/lab/swap.hpp"

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
    for (const json &host : said.at("hosts"))
      if (host.at("state") == "down")
        report["problems"].push_back(host.at("problem"));
    if (const auto settings = said.value("settings_problem", ""); !settings.empty())
      report["problems"].push_back(settings);
  } catch (const SetUpFailed &e) {
    report["problems"].push_back(e.what());
  }
}

// Fills what is known of one host: pid, strategy, strategy_state, params.
void look_at_host(const Places &places, int number, bool database_well, json &shown,
                  json &problems) {
  const std::string name = host_name(number);
  const auto record = recorded_host(places, number);
  if (!record) {
    problems.push_back(name + " does not run: run scripts/lab up");
    return;
  }
  const HostApi host(record->port);
  shown["pid"] = record->process.pid;
  try {
    const json strategy = host.strategy();
    shown["strategy"] = strategy.at("name");
    shown["strategy_state"] = strategy.at("state");
    shown["params"] = strategy.at("params");
    shown["explain"] = strategy.value("explain", "");
    if (strategy.at("state") != "ok") {
      const json &problem = strategy.at("problem");
      problems.push_back((number == 0 ? "" : name + ": ") +
                         (problem.is_string()
                              ? problem.get<std::string>()
                              : "no strategy is in force, only the plan that is compiled in"));
    }
    const json pool = host.pool();
    shown["diagnosis"] = pool.at("diagnosis");
    for (const std::string &problem : pool_problems(name, pool))
      problems.push_back(problem);
    if (pool.contains("last_connect_error") && pool.at("last_connect_error").is_string() &&
        pool.at("open") == 0)
      problems.push_back(name + " has no connection to the database: " +
                         pool.at("last_connect_error").get<std::string>());
    else if (const json health = host.health(); database_well && health.contains("database"))
      problems.push_back(
          name + " can't look at the database: " + health.at("database").get<std::string>());
  } catch (const std::exception &e) {
    problems.push_back(e.what());
  }
}

// All of them, and the first one's once more where it stood when there was but one.
void look_at_hosts(const Places &places, const State &state, bool database_well, json &report) {
  std::vector<HostApi> serving;
  for (int number = 0; number < state.hosts; ++number) {
    json &host = report["hosts"].at(static_cast<std::size_t>(number));
    look_at_host(places, number, database_well, host, report["problems"]);
    if (host.at("strategy_state") == "ok")
      serving.emplace_back(recorded_host(places, number)->port);
  }
  if (serving.size() < report["hosts"].size() || serving.size() < 2)
    return; // what is wrong is said already
  try {
    if (const std::string difference = difference_between(serving); !difference.empty())
      report["problems"].push_back(difference);
  } catch (const std::exception &e) {
    report["problems"].push_back(e.what());
  }
}

json hosts_down(const Places &places, const State &state) {
  json hosts = json::array();
  for (int number = 0; number < state.hosts; ++number) {
    const auto record = recorded_host(places, number);
    hosts.push_back({{"url", HostApi(record ? record->port : state.port_of(number)).url()},
                     {"pid", nullptr},
                     {"strategy", state.in_use.name},
                     {"strategy_state", "down"},
                     {"params", state.in_use.params},
                     {"explain", ""},
                     {"diagnosis", nullptr}});
  }
  return hosts;
}

} // namespace

json status_report(const Places &places) {
  const State state = StateFile(places.state()).read();
  const db::LabUser user = db::lab_user();
  const auto record = recorded_host(places);
  const auto database = database_called(state.database, places, user);
  json report = {{"up", false},
                 {"hosts", hosts_down(places, state)},
                 {"database", state.database.empty() ? own_database : "foreign"},
                 {"database_url", db::url_of(database->conninfo_jobs())},
                 {"postgres_pid", nullptr},
                 {"agent_pid", nullptr},
                 {"refused", state.refused},
                 {"monitoring", nullptr},
                 {"events", json::array()},
                 {"faults", json::array()},
                 {"problems", json::array()}};
  const auto say_first = [&report] {
    const json &first = report["hosts"].front();
    report["host_url"] = first.at("url");
    report["host_pid"] = first.at("pid");
    for (const char *field : {"strategy", "strategy_state", "params", "explain", "diagnosis"})
      report[field] = first.at(field);
  };
  say_first();
  report["faults"] = faults_report(places);
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
  look_at_hosts(places, state, !trouble, report);
  if (state.monitoring)
    report["monitoring"] = monitoring_report(places, state, !trouble, report["problems"]);
  say_first();
  report["up"] = !trouble && record;
  for (const auto &[name, reason] : state.refused)
    report["problems"].push_back(
        fmt::format("{} is refused, for under it {}; try it again with scripts/lab use {}", name,
                    reason, name));
  return report;
}

} // namespace lab::cli
