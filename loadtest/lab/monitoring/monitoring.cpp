#include "loadtest/lab/monitoring/monitoring.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/monitoring/ask.hpp"
#include "loadtest/lab/monitoring/daemon.hpp"
#include "loadtest/lab/monitoring/exporter.hpp"
#include "loadtest/lab/monitoring/provisioned.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char *prometheus_name = "prometheus";
constexpr const char *grafana_name = "grafana";
constexpr const char *grafana_home = "/usr/share/grafana";

// In the order in which they are stopped.
constexpr std::array<std::pair<const char *, const char *>, 3> all = {{
    {grafana_name, "Grafana"},
    {prometheus_name, "Prometheus"},
    {exporter_name, "PostgreSQL exporter"},
}};

bool beside() {
  const char *how = std::getenv("LAB_MONITORING");
  return how && std::string_view(how) == "beside";
}

// Not in Debian: there where somebody has installed it.
std::optional<std::string> grafana_program() {
  if (auto found = program_in_path("grafana-server"))
    return found;
  const fs::path packaged = fs::path(grafana_home) / "bin" / "grafana-server";
  if (::access(packaged.c_str(), X_OK) == 0)
    return packaged.string();
  return std::nullopt;
}

std::string required(const char *program) {
  if (auto found = program_in_path(program))
    return *found;
  throw SetUpFailed(
      fmt::format("{} is not installed: scripts/lab up --monitoring installs it; or go "
                  "without: scripts/lab up --no-monitoring",
                  program));
}

std::string url_of_port(unsigned short port) {
  return fmt::format("http://127.0.0.1:{}", port);
}

// Where a program of the lab's user writes.
void make_own_folder(const fs::path &folder, const db::LabUser &user) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem || ::chmod(folder.c_str(), 0700) != 0 ||
      (user.uid != ::geteuid() && ::lchown(folder.c_str(), user.uid, user.gid) != 0))
    throw SetUpFailed(fmt::format("{} can't be made: {}; set LAB_HOME to a folder that you may "
                                  "write in",
                                  folder.string(),
                                  problem ? problem.message() : std::strerror(errno)));
}

// Of dashboard/monitoring, as the lab's user reads it. Answers the text.
std::string provide(const Places &places, const State &state, const fs::path &file) {
  const auto text = text_of_file(places.monitoring_parts() / file);
  if (!text)
    throw SetUpFailed(fmt::format("{} is missing: run scripts/lab, which installs it",
                                  (places.monitoring_parts() / file).string()));
  std::string made = with_ports(*text, MonitoringPorts(state.port), state.hosts);
  // The dashboards stay where they are installed.
  constexpr std::string_view in_a_container = "\"/etc/grafana/dashboards\"";
  if (const auto at = made.find(in_a_container); at != std::string::npos)
    made.replace(at, in_a_container.size(),
                 json((places.monitoring_parts() / "grafana" / "dashboards").string()).dump());
  const fs::path target = places.monitoring() / file;
  std::error_code exists;
  fs::create_directories(target.parent_path(), exists);
  write_whole(target, made);
  ::chmod(target.c_str(), 0644);
  return made;
}

Daemon prometheus(const Places &places, const State &state, const db::LabUser &user) {
  const unsigned short port = MonitoringPorts(state.port).prometheus;
  const fs::path data = places.monitoring() / "data";
  make_own_folder(data, user);
  const std::string rules = provide(places, state, "rules.yml");
  return {.name = prometheus_name,
          .title = "Prometheus",
          .port = port,
          .ready = "/-/ready",
          // A session's worth. Other sites' pages are no readers of it.
          .argv = {required("prometheus"),
                   "--config.file=" + (places.monitoring() / "prometheus.yml").string(),
                   fmt::format("--web.listen-address=127.0.0.1:{}", port),
                   "--storage.tsdb.path=" + data.string(), "--storage.tsdb.retention.time=2h",
                   "--storage.tsdb.retention.size=200MB", "--web.cors.origin=none",
                   "--log.level=warn"},
          .config = provide(places, state, "prometheus.yml") + rules};
}

Daemon grafana(const Places &places, const State &state, const db::LabUser &user,
               const std::string &program) {
  const unsigned short port = MonitoringPorts(state.port).grafana;
  const fs::path data = places.monitoring() / "grafana-data";
  make_own_folder(data, user);
  const std::string config =
      provide(places, state,
              fs::path("grafana") / "provisioning" / "datasources" / "prometheus.yml") +
      provide(places, state, fs::path("grafana") / "provisioning" / "dashboards" / "lab.yml");
  return {
      .name = grafana_name,
      .title = "Grafana",
      .port = port,
      .ready = "", // its first start takes long; the status tells
      .argv = {program, "--homepath", grafana_home},
      .environment = {{"GF_SERVER_HTTP_ADDR", "127.0.0.1"},
                      {"GF_SERVER_HTTP_PORT", std::to_string(port)},
                      {"GF_AUTH_ANONYMOUS_ENABLED", "true"},
                      {"GF_AUTH_ANONYMOUS_ORG_ROLE", "Viewer"},
                      {"GF_ANALYTICS_REPORTING_ENABLED", "false"},
                      {"GF_ANALYTICS_CHECK_FOR_UPDATES", "false"},
                      {"GF_DASHBOARDS_MIN_REFRESH_INTERVAL", "1s"},
                      {"GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH",
                       places.monitoring_parts() / "grafana" / "dashboards" / "pool.json"},
                      {"GF_PATHS_DATA", data},
                      {"GF_PATHS_LOGS", data / "log"},
                      {"GF_PATHS_PLUGINS", data / "plugins"},
                      {"GF_PATHS_PROVISIONING", places.monitoring() / "grafana" / "provisioning"}},
      .config = config};
}

} // namespace

std::vector<unsigned short> monitoring_ports(unsigned short base) {
  const MonitoringPorts ports(base);
  if (beside())
    return {ports.exporter};
  std::vector<unsigned short> needed = {ports.exporter, ports.prometheus};
  if (grafana_program())
    needed.push_back(ports.grafana);
  return needed;
}

std::vector<ProcessId> monitoring_processes(const Places &places) {
  std::vector<ProcessId> found;
  for (const auto &[name, title] : all)
    if (const auto record = recorded_daemon(places, name))
      found.push_back(record->process);
  return found;
}

void require_monitoring_programs() {
  (void)required(exporter_program);
  if (!beside())
    (void)required("prometheus");
}

void start_monitoring(const Places &places, const State &state, const db::LabDatabase &database,
                      const db::LabUser &user) {
  std::error_code exists;
  fs::create_directories(places.monitoring(), exists);
  ::chmod(places.monitoring().c_str(), 0755); // the home above it is private where it can be
  const Exporter exporter(required(exporter_program), MonitoringPorts(state.port).exporter,
                          database, user);
  ensure_runs(places, user, exporter.daemon());
  if (beside()) {
    end_daemon(places, prometheus_name);
    end_daemon(places, grafana_name);
    return;
  }
  ensure_runs(places, user, prometheus(places, state, user));
  if (const auto program = grafana_program())
    ensure_runs(places, user, grafana(places, state, user, *program));
  else
    end_daemon(places, grafana_name);
}

std::vector<std::string> stop_monitoring(const Places &places) {
  std::vector<std::string> stopped;
  for (const auto &[name, title] : all)
    if (end_daemon(places, name))
      stopped.emplace_back(title);
  return stopped;
}

json monitoring_report(const Places &places, const State &state, bool database_well,
                       json &problems) {
  const MonitoringPorts ports(state.port);
  const auto pid_of = [&](const char *name) {
    const auto record = recorded_daemon(places, name);
    return record ? json(record->process.pid) : json();
  };
  const bool has_grafana = beside() || grafana_program();
  json report = {{"exporter_url", url_of_port(ports.exporter)},
                 {"exporter_pid", pid_of(exporter_name)},
                 {"prometheus_url", url_of_port(ports.prometheus)},
                 {"prometheus_pid", pid_of(prometheus_name)},
                 {"grafana_url", has_grafana ? json(url_of_port(ports.grafana)) : json()},
                 {"grafana_pid", pid_of(grafana_name)}};
  if (report["exporter_pid"].is_null())
    problems.push_back("the PostgreSQL exporter does not run: run scripts/lab up");
  else if (database_well) // else that is said already
    if (const std::string problem = exporter_problem(places, ports.exporter); !problem.empty())
      problems.push_back(problem);
  if (beside())
    return report;
  if (report["prometheus_pid"].is_null())
    problems.push_back("Prometheus does not run: run scripts/lab up");
  else if (!answers_well(ports.prometheus, "/-/ready"))
    problems.push_back(fmt::format("Prometheus does not answer: see {}",
                                   daemon_log(places, prometheus_name).string()));
  if (has_grafana && report["grafana_pid"].is_null())
    problems.push_back(fmt::format("Grafana does not run: see {}, then run scripts/lab up",
                                   daemon_log(places, grafana_name).string()));
  return report;
}

std::vector<std::string> monitoring_lines(const State &state) {
  const MonitoringPorts ports(state.port);
  if (beside())
    return {fmt::format("Grafana and Prometheus, beside the lab: {} and {}",
                        url_of_port(ports.grafana), url_of_port(ports.prometheus))};
  if (grafana_program())
    return {fmt::format("Grafana: {}, Prometheus: {}", url_of_port(ports.grafana),
                        url_of_port(ports.prometheus))};
  return {
      fmt::format("Grafana isn't installed: the page at {} shows the same panels; Prometheus: {}",
                  url_of_port(ports.host), url_of_port(ports.prometheus))};
}

} // namespace lab::cli
