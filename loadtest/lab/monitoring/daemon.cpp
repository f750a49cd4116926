#include "loadtest/lab/monitoring/daemon.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <thread>

#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "db/log_file.hpp"
#include "db/one_line.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/monitoring/ask.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto start_limit = 30s; // Prometheus reads its data again
constexpr auto end_limit = 10s;

fs::path record_of(const Places &places, const std::string &name) {
  return places.monitoring() / fmt::format("{}.json", name);
}

std::string as_text(const Daemon &daemon) {
  return json{{"argv", daemon.argv}, {"environment", daemon.environment}, {"read", daemon.config}}
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string last_line_of(const fs::path &file) {
  std::string text = text_of_file(file).value_or("");
  while (!text.empty() && text.back() == '\n')
    text.pop_back();
  return db::one_line(text.substr(text.rfind('\n') + 1)); // npos + 1: all of it
}

void wait_until_it_serves(const Places &places, const Daemon &daemon, db::Child &child) {
  const auto deadline = Clock::now() + start_limit;
  while (!answers_well(daemon.port, daemon.ready)) {
    const auto log = daemon_log(places, daemon.name);
    if (child.wait_for(20ms))
      throw SetUpFailed(fmt::format("{} ended at its start: {}; see {}, or go without: scripts/lab "
                                    "up --no-monitoring",
                                    daemon.title, last_line_of(log), log.string()));
    if (Clock::now() > deadline)
      throw SetUpFailed(fmt::format("{} (process {}) did not serve within {} s; see {}, or go "
                                    "without: scripts/lab up --no-monitoring",
                                    daemon.title, child.pid(), start_limit.count(), log.string()));
  }
}

void start(const Places &places, const db::LabUser &user, const Daemon &daemon) {
  const auto log = daemon_log(places, daemon.name);
  db::begin_log(log);
  db::Launch how{.argv = daemon.argv,
                 .environment = daemon.environment,
                 .user = user,
                 .directory = "/",
                 .own_session = true,
                 .out = db::Output::appended_to(log),
                 .err = db::Output::appended_to(log),
                 .pass = daemon.pass};
  how.environment[belongs_to] = places.home().string();
  std::optional<db::Child> child;
  try {
    child.emplace(how);
  } catch (const std::exception &e) {
    throw SetUpFailed(fmt::format("{} can't be started: {}", daemon.title, e.what()));
  }
  const auto id = process(child->pid());
  // One that nobody could find must not be.
  try {
    if (id)
      write_whole(record_of(places, daemon.name), json{{"pid", id->pid},
                                                       {"started", id->started},
                                                       {"port", daemon.port},
                                                       {"started_as", as_text(daemon)}}
                                                      .dump());
  } catch (const std::exception &) {
    child->send(SIGKILL);
    (void)child->wait_for(5s);
    throw;
  }
  if (!daemon.ready.empty())
    wait_until_it_serves(places, daemon, *child);
}

} // namespace

fs::path daemon_log(const Places &places, const std::string &name) {
  return places.monitoring() / fmt::format("{}.log", name);
}

std::optional<DaemonRecord> recorded_daemon(const Places &places, const std::string &name) {
  const auto text = text_of_file(record_of(places, name));
  const json content = text ? json::parse(*text, nullptr, false) : json();
  if (!content.is_object())
    return std::nullopt;
  const DaemonRecord record{{content.value("pid", 0), content.value("started", std::uint64_t{0})},
                            content.value("port", static_cast<unsigned short>(0)),
                            content.value("started_as", "")};
  return alive(record.process) ? std::optional(record) : std::nullopt;
}

void ensure_runs(const Places &places, const db::LabUser &user, const Daemon &daemon) {
  if (const auto running = recorded_daemon(places, daemon.name)) {
    if (running->started_as == as_text(daemon) && !program_was_replaced(running->process.pid))
      return;
    end_daemon(places, daemon.name);
  }
  start(places, user, daemon);
}

bool end_daemon(const Places &places, const std::string &name) {
  const auto running = recorded_daemon(places, name);
  if (running && !end_process(running->process, end_limit))
    throw SetUpFailed(fmt::format("{} (process {}) does not end: end it with kill -9 {}", name,
                                  running->process.pid, running->process.pid));
  std::error_code absent;
  fs::remove(record_of(places, name), absent);
  return running.has_value();
}

std::optional<std::string> program_in_path(const std::string &name) {
  const char *path = std::getenv("PATH");
  std::istringstream folders(path ? path : "/usr/local/bin:/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const fs::path program = fs::path(folder) / name;
    std::error_code unseen;
    if (!folder.empty() && fs::is_regular_file(program, unseen) &&
        ::access(program.c_str(), X_OK) == 0)
      return program.string();
  }
  return std::nullopt;
}

} // namespace lab::cli
