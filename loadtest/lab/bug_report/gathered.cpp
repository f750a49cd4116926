#include "loadtest/lab/bug_report/gathered.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <functional>
#include <system_error>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "db/process_limits.hpp"
#include "loadtest/lab/bug_report/identity.hpp"
#include "loadtest/lab/bug_report/log_end.hpp"
#include "loadtest/lab/bug_report/versions.hpp"
#include "loadtest/lab/database.hpp"
#include "loadtest/lab/disk_space.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/host_api.hpp"
#include "loadtest/lab/host_process.hpp"
#include "loadtest/lab/lab_processes.hpp"
#include "loadtest/lab/status_report.hpp"
#include "loadtest/machine.hpp"
#include "loadtest/run_folder.hpp"

extern char **environ;

namespace lab::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t log_lines = 200;
constexpr std::size_t runs_told = 5;

std::string dumped(const json &value) {
  return value.dump(2, ' ', false, json::error_handler_t::replace);
}

std::string part(const std::string &title, const std::function<std::string()> &tell) {
  std::string text;
  try {
    text = tell();
  } catch (const std::exception &e) {
    text = fmt::format("can't be told: {}", e.what());
  }
  if (!text.ends_with('\n'))
    text += '\n';
  return fmt::format("\n== {}\n{}", title, text);
}

std::string file_text(const fs::path &file) {
  const auto text = text_of_file(file);
  return !text ? "is not there, or can't be read" : text->empty() ? "is empty" : *text;
}

// ---- the machine ----

std::string limit_text(const char *name, int which) {
  rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource>(which), &limit) != 0)
    return "";
  const auto shown = [](rlim_t value) {
    return value == RLIM_INFINITY ? std::string("none") : std::to_string(value);
  };
  return fmt::format("limit of {}: {}, at most {}\n", name, shown(limit.rlim_cur),
                     shown(limit.rlim_max));
}

std::string place_text(const char *name, const fs::path &folder) {
  const std::string path = folder.string();
  const auto odd = std::count_if(path.begin(), path.end(), [](unsigned char c) {
    return !(std::isalnum(c) != 0 ||
             std::string_view("/._-").find(static_cast<char>(c)) != std::string_view::npos);
  });
  struct stat s {};
  const bool there = ::stat(folder.c_str(), &s) == 0;
  const auto room = room_at(folder);
  // The path itself is taken out; these are what a path can do wrong.
  return fmt::format("{}: a path of {} characters, {} of them unusual; {}; {} on its disk\n", name,
                     path.size(), odd,
                     there
                         ? fmt::format("mode {:o}, {}", s.st_mode & 07777U,
                                       s.st_uid == ::geteuid() ? "the caller's" : "another user's")
                         : "not there yet",
                     room ? fmt::format("{} MB free", *room / 1'000'000) : "room not known");
}

std::string machine_text(const Places &places) {
  const json facts = load::machine_facts();
  std::string text = fmt::format("processor: {}\nprocessors: {}, of which {:.3g} may be used\n"
                                 "memory: {} MB",
                                 facts.at("processor").get<std::string>(), facts.at("cores").dump(),
                                 db::usable_processors(), facts.at("memory_mb").dump());
  if (const auto usable = db::usable_memory())
    text += fmt::format(", {} MB of it free for the lab", *usable / 1'000'000);
  text += fmt::format("\nthe caller is {}\n", ::geteuid() == 0 ? "root" : "an ordinary user");
  if (const auto most = db::process_limit_of_group())
    text += fmt::format("limit of processes in its control group: {}\n", *most);
  text += limit_text("open files", RLIMIT_NOFILE) + limit_text("processes", RLIMIT_NPROC) +
          limit_text("address space", RLIMIT_AS) + limit_text("a file's size", RLIMIT_FSIZE);
  for (const char *sign : {"/.dockerenv", "/run/.containerenv"})
    if (fs::exists(sign))
      text += fmt::format("in a container: {} is there\n", sign);
  return text + place_text("LAB_HOME", places.home()) + place_text("LAB_WORK", places.work());
}

std::string environment_text() {
  static constexpr std::array<std::string_view, 9> told = {
      "LANG",      "LC_ALL",     "NO_COLOR",         "TERM", "CI", "GITHUB_ACTIONS",
      "GITLAB_CI", "CODESPACES", "REMOTE_CONTAINERS"};
  std::string text;
  for (char **one = environ; *one; ++one) {
    const std::string pair = *one;
    const std::string name = pair.substr(0, pair.find('='));
    if (!name.starts_with("LAB_") && std::count(told.begin(), told.end(), name) == 0)
      continue;
    text += may_be_secret(name) ? name + "=(secret)\n" : pair + "\n";
  }
  return text.empty() ? "none that is told" : text;
}

// ---- the lab ----

std::string checks_text(const std::vector<Check> &checks) {
  std::string text;
  for (const Check &check : checks)
    text += fmt::format("{:<4} {:<17} {}{}\n",
                        check.result == Check::Result::ok     ? "ok"
                        : check.result == Check::Result::warn ? "warn"
                                                              : "BAD",
                        check.name, check.said, check.to_do.empty() ? "" : "; " + check.to_do);
  return text;
}

bool runs(const Places &places) {
  return !lab_processes(places).empty();
}

// While nothing runs there is nothing to ask, and asking may make the lab's user.
std::string status_text(const Places &places) {
  return runs(places) ? dumped(status_report(places)) : "nothing of the lab runs";
}

std::string database_text(const Places &places) {
  if (!runs(places))
    return "nothing of the lab runs";
  return dumped(load::postgres_facts(
      database_in_use(places, db::lab_user())->conninfo_admin("pool_lab report")));
}

std::string own_strategies_text(const Places &places) {
  std::string text;
  std::error_code absent;
  for (const auto &entry : fs::directory_iterator(places.my_strategies(), absent)) {
    struct stat s {};
    if (::stat(entry.path().c_str(), &s) == 0)
      text += fmt::format("{:<30} {:>9} bytes, changed {:%Y-%m-%d %H:%M:%S} UTC\n",
                          entry.path().filename().string(), s.st_size, fmt::gmtime(s.st_mtime));
  }
  return text.empty() ? "none" : text;
}

// The host keeps the verdict on each build that it tried.
std::string verdicts_text(const Places &places) {
  const auto host = recorded_host(places);
  if (!host)
    return "the host does not run";
  std::string text;
  for (const json &one : HostApi(host->port).strategies())
    text += fmt::format("{} ({}): {}\n", one.at("name").get<std::string>(),
                        one.at("source") == "my" ? "my/strategies" : "the lab's",
                        one.at("problem").is_string() ? one.at("problem").get<std::string>()
                                                      : "can be used");
  return text;
}

// ---- what was recorded ----

std::string log_text(const fs::path &file) {
  const auto text = end_of_log(file, log_lines);
  return !text           ? "is not there, or can't be read"
         : text->empty() ? "is empty"
                         : without_data(*text);
}

json told_of(const load::ListedRun &run) {
  json told = {{"run", run.folder.filename().string()}};
  for (const char *field :
       {"strategy", "params", "profile", "model", "seed", "seconds", "rate_asked", "users", "rate",
        "failed", "fault", "verdict", "grade", "why", "guards"})
    if (run.summary.contains(field))
      told[field] = run.summary.at(field);
  try {
    told["asked"] = load::read_about(run.folder).at("asked");
  } catch (const std::exception &e) {
    told["asked"] = e.what();
  }
  return told;
}

std::string runs_text(const Places &places) {
  std::string text;
  auto all = load::list_runs(places.runs());
  all.resize(std::min(all.size(), runs_told));
  for (const load::ListedRun &run : all)
    text += dumped(told_of(run)) + "\n";
  return text.empty() ? "none" : text;
}

std::string logs(const Places &places) {
  std::vector<std::pair<std::string, fs::path>> all = {
      {"the host", places.host_log()},
      {"the agent", places.agent_log()},
      {"PostgreSQL", places.postgres_folder() / "log"}};
  std::error_code absent;
  if (fs::exists(places.host_log(1), absent))
    all.insert(all.begin() + 1, {"the second host", places.host_log(1)});
  if (const char *clone = std::getenv("LAB_CLONE"); clone && *clone)
    for (const char *name : {"lab.log", "lab.log.install", "packages.log"})
      if (const fs::path log = fs::path(clone) / "build" / name; fs::exists(log, absent))
        all.emplace_back(fmt::format("build/{}", name), log);
  std::string text;
  for (const auto &[name, file] : all)
    text += part(fmt::format("the end of the log of {}", name),
                 [&file = file] { return log_text(file); });
  return text;
}

} // namespace

std::string gathered(const Places &places, const std::vector<Check> &checks) {
  return part("versions", [&] { return versions_text(places); }) +
         part("the machine", [&] { return machine_text(places); }) +
         part("environment", [] { return environment_text(); }) +
         part("lab doctor", [&] { return checks_text(checks); }) +
         part("lab status --json", [&] { return status_text(places); }) +
         part("the database", [&] { return database_text(places); }) +
         part("state.json", [&] { return file_text(places.state()); }) +
         part("my/settings.toml", [&] { return file_text(places.my_settings()); }) +
         part("my/strategies", [&] { return own_strategies_text(places); }) +
         part("strategies, as the host sees them", [&] { return verdicts_text(places); }) +
         part(fmt::format("the last {} runs", runs_told), [&] { return runs_text(places); }) +
         logs(places) + part("packages", [] { return packages_text(); });
}

} // namespace lab::cli
