#include "loadtest/lab/checks.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <map>
#include <set>
#include <system_error>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "db/cluster_processes.hpp"
#include "db/process_limits.hpp"
#include "loadtest/lab/agent.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/host_process.hpp"
#include "loadtest/lab/lab_processes.hpp"
#include "loadtest/lab/load_lock.hpp"
#include "loadtest/lab/monitoring/monitoring.hpp"
#include "loadtest/lab/state.hpp"
#include "loadtest/lab/status_report.hpp"
#include "loadtest/processor.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Result = Check::Result;

// Of the machine; less than this is no disturbance.
constexpr double share_worth_telling = 0.2;

bool is_there(const fs::path &path) {
  std::error_code unseen;
  return fs::exists(path, unseen);
}

void add_state_check(const Places &places, std::vector<Check> &checks) {
  try {
    (void)StateFile(places.state()).read();
  } catch (const std::exception &e) {
    checks.push_back({"state.json", Result::bad, e.what()});
  }
}

void add_status_checks(const Places &places, const std::vector<LabProcess> &running,
                       std::vector<Check> &checks) {
  if (running.empty()) {
    checks.push_back({"lab", Result::ok, "it is not up; scripts/lab up starts it"});
    return;
  }
  try {
    const json report = status_report(places);
    for (const json &problem : report.at("problems"))
      checks.push_back({"lab", Result::bad, problem.get<std::string>()});
    std::vector<std::string> urls;
    for (const json &host : report.at("hosts"))
      urls.push_back(host.at("url"));
    if (report.at("problems").empty())
      checks.push_back({"lab", Result::ok,
                        fmt::format("up: {}, on {}", fmt::join(urls, " and "),
                                    report.at("strategy").get<std::string>())});
  } catch (const std::exception &e) {
    checks.push_back({"lab", Result::bad, e.what()});
  }
}

bool is_recorded_host(const Places &places, const ProcessId &id) {
  for (int number = 0; number < most_hosts; ++number)
    if (const auto host = recorded_host(places, number); host && host->process == id)
      return true;
  return false;
}

bool is_recorded_monitor(const Places &places, const ProcessId &id) {
  const auto known = monitoring_processes(places);
  return std::find(known.begin(), known.end(), id) != known.end();
}

// Processes of the lab's that its own records don't name.
void add_stray_checks(const Places &places, const std::vector<LabProcess> &running,
                      std::vector<Check> &checks) {
  const auto agent = Agent::find(places);
  for (const LabProcess &one : running) {
    const bool known =
        one.program == "lab_host"    ? is_recorded_host(places, one.id)
        : one.program == "lab agent" ? agent && agent->process() == one.id
        : one.program == "prometheus" || one.program == "prometheus-postgres-exporter"
            ? is_recorded_monitor(places, one.id)
            : true;
    if (!known)
      checks.push_back({"stray", Result::bad,
                        fmt::format("{} (process {}) runs, but the lab has lost track of it",
                                    one.program, one.id.pid),
                        "run scripts/lab down, which ends it, then scripts/lab up"});
  }
}

void add_leftover_checks(const Places &places, const std::vector<LabProcess> &running,
                         std::vector<Check> &checks) {
  const auto runs = [&running](const char *program) {
    return std::any_of(running.begin(), running.end(),
                       [program](const LabProcess &p) { return p.program == program; });
  };
  const auto left = [&checks](const fs::path &file, const char *by, const char *to_do) {
    checks.push_back({"left over", Result::warn,
                      fmt::format("{} was left by {} that was killed", file.string(), by), to_do});
  };
  const auto pid_file = places.postgres_folder() / "data" / "postmaster.pid";
  if (is_there(pid_file) && !db::postmaster_of(pid_file.parent_path()))
    left(pid_file, "a PostgreSQL", "run scripts/lab up, which starts it again");
  if (is_there(places.agent_socket()) && !runs("lab agent"))
    left(places.agent_socket(), "an agent", "run scripts/lab up, which starts it again");
  const bool load_noted = !text_of_file(places.load_lock()).value_or("").empty();
  if (load_noted && !LoadLock::owner(places.load_lock()))
    left(places.load_lock(), "a load", "nothing: the next load takes it over");
}

// Of others: seen, said, and left alone.
void add_other_postgres(const Places &places, std::vector<Check> &checks) {
  std::set<pid_t> all, children;
  const auto data = places.postgres_folder() / "data";
  const auto ours = db::processes_in(data);
  std::error_code unseen;
  for (const auto &entry : fs::directory_iterator("/proc", unseen)) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    if (pid > 0 && text_of_file(entry.path() / "comm").value_or("") == "postgres\n" &&
        std::find(ours.begin(), ours.end(), pid) == ours.end())
      all.insert(pid);
  }
  std::vector<pid_t> postmasters;
  for (const pid_t pid : all)
    if (const auto parent = parent_of(pid); !parent || !all.contains(*parent))
      postmasters.push_back(pid);
  if (!postmasters.empty())
    checks.push_back({"other PostgreSQL", Result::ok,
                      fmt::format("process {}: left alone", fmt::join(postmasters, ", "))});
}

} // namespace

std::vector<Check> running_checks(const Places &places) {
  std::vector<Check> checks;
  const auto running = lab_processes(places);
  add_state_check(places, checks);
  add_status_checks(places, running, checks);
  add_stray_checks(places, running, checks);
  add_leftover_checks(places, running, checks);
  add_other_postgres(places, checks);
  return checks;
}

Check processor_check(const Places &places) {
  const auto ours = lab_processes(places);
  std::vector<pid_t> hosts;
  for (const LabProcess &one : ours)
    hosts.push_back(one.id.pid); // PostgreSQL's too: what is ours disturbs nobody
  const load::ProcessorWatch watch(0, hosts);
  const auto before = watch.read();
  std::this_thread::sleep_for(std::chrono::seconds(1));
  const auto after = watch.read();
  const auto use = load::ProcessorWatch::between(before, after, before.at);
  const double seconds = std::chrono::duration<double>(after.at - before.at).count();

  std::map<std::string, double> by_program;
  for (const auto &[pid, other] : after.others) {
    const auto earlier = before.others.find(pid);
    by_program[other.name] +=
        other.seconds - (earlier == before.others.end() ? 0 : earlier->second.seconds);
  }
  std::vector<std::pair<double, std::string>> most;
  for (const auto &[name, used] : by_program)
    most.emplace_back(used / seconds, name);
  std::sort(most.rbegin(), most.rend());

  std::vector<std::string> named;
  for (std::size_t i = 0; i < std::min<std::size_t>(most.size(), 3) && most[i].first > 0.05; ++i)
    named.push_back(fmt::format("{} ({:.2f})", most[i].second, most[i].first));
  const std::string said = fmt::format("other programs use {:.2f} of {:.3g} processors", use.others,
                                       db::usable_processors());
  if (use.others <= share_worth_telling * db::usable_processors())
    return {"processor now", Result::ok, said};
  return {"processor now", Result::warn,
          fmt::format("{}: {}", said,
                      named.empty() ? "none that can be seen from here"
                                    : fmt::to_string(fmt::join(named, ", "))),
          "end them before you measure"};
}

} // namespace lab::cli
