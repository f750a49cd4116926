// `lab up --monitoring`, with a real Prometheus and exporter over a real lab under a real load:
// every panel shows something, every rule can be evaluated, and what they show is what the
// host's own API says. Waits on conditions only.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/URI.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "db/child.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/lab_processes.hpp"
#include "loadtest/lab/monitoring/ask.hpp"
#include "loadtest/lab/monitoring/daemon.hpp"
#include "loadtest/lab/monitoring/monitoring.hpp"
#include "loadtest/lab/monitoring/provisioned.hpp"
#include "loadtest/lab/ports.hpp"
#include "loadtest/lab/process.hpp"
#include "loadtest/lab/test_lab.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using nlohmann::json;
using std::chrono::system_clock;
using testing::HasSubstr;
using testing::Not;

double seconds_since_1970() {
  return std::chrono::duration<double>(system_clock::now().time_since_epoch()).count();
}

// A request that holds a connection of the host's.
void hold(unsigned short port, std::chrono::milliseconds time) {
  Poco::Net::HTTPClientSession session("127.0.0.1", port);
  session.setProxyConfig({});
  Poco::Net::HTTPRequest request("POST", "/lab/hold", "HTTP/1.1");
  const std::string body = fmt::format(R"({{"kind":"submit","hold_ms":{}}})", time.count());
  request.setContentType("application/json");
  request.setContentLength(static_cast<std::streamsize>(body.size()));
  session.sendRequest(request) << body;
  Poco::Net::HTTPResponse response;
  session.receiveResponse(response);
}

class Monitoring : public testing::Test {
protected:
  using Said = TestLab::Said;

  static void SetUpTestSuite() {
    if (!installed())
      return;
    the_lab_ = std::make_unique<TestLab>();
    base_ = free_port_after(the_lab_->port(), [](unsigned short base) {
      auto ports = monitoring_ports(base);
      ports.insert(ports.end(), {base, static_cast<unsigned short>(base + 1)});
      return ports;
    });
  }
  static void TearDownTestSuite() { the_lab_.reset(); }

  void SetUp() override {
    if (!installed())
      GTEST_SKIP() << "prometheus and prometheus-postgres-exporter are not installed";
    const Said up = lab({"up", "--monitoring", "--port", std::to_string(base_)});
    ASSERT_EQ(up.status, 0) << up.err;
  }

  static bool installed() {
    return program_in_path("prometheus") && program_in_path("promtool") &&
           program_in_path("prometheus-postgres-exporter");
  }

  static Said lab(std::vector<std::string> arguments,
                  const std::map<std::string, std::string> &environment = {}) {
    if (environment.empty())
      return the_lab_->lab(std::move(arguments));
    db::Launch how = the_lab_->launch(std::move(arguments));
    for (const auto &[name, value] : environment)
      how.environment[name] = value;
    const auto ended = db::run(how, 120s);
    return {ended.ended.status, ended.output, ended.output};
  }
  static json status() { return the_lab_->status(); }
  static const Places &places() { return the_lab_->places(); }
  static HostApi host() { return HostApi(base_); }
  static MonitoringPorts ports() { return MonitoringPorts(base_); }
  static pid_t pid_of(const char *name) {
    const auto record = recorded_daemon(places(), name);
    return record ? record->process.pid : 0;
  }

  static json prometheus(const std::string &path,
                         const std::vector<std::pair<std::string, std::string>> &asked = {}) {
    Poco::URI uri(path);
    for (const auto &[name, value] : asked)
      uri.addQueryParameter(name, value);
    const auto said = page_of(ports().prometheus, uri.getPathAndQuery(), 5s);
    return said ? json::parse(*said).at("data") : json();
  }
  static json now(const std::string &expression) {
    const json data = prometheus("/api/v1/query", {{"query", expression}});
    return data.is_null() ? data : data.at("result");
  }
  // Each second's values from `begin` until now, of all series.
  static json since(double begin, const std::string &expression) {
    const json data =
        prometheus("/api/v1/query_range", {{"query", expression},
                                           {"start", fmt::format("{:.3f}", begin)},
                                           {"end", fmt::to_string(seconds_since_1970())},
                                           {"step", "1"}});
    return data.is_null() ? data : data.at("result");
  }
  // The one value; NaN when there is none, or several.
  static double value(const std::string &expression) {
    const json result = now(expression);
    return result.size() == 1 ? std::stod(result[0].at("value").at(1).get<std::string>()) : NAN;
  }
  static bool any_number(const json &series) {
    for (const json &one : series)
      for (const json &point : one.at("values"))
        if (std::isfinite(std::stod(point.at(1).get<std::string>())))
          return true;
    return false;
  }

  static std::vector<std::string> firing() {
    std::vector<std::string> names;
    const json data = prometheus("/api/v1/alerts");
    if (data.is_object())
      for (const json &alert : data.at("alerts"))
        if (alert.at("state") == "firing")
          names.push_back(alert.at("labels").at("alertname"));
    return names;
  }

  static bool fires(const char *alert) {
    const auto names = firing();
    return std::find(names.begin(), names.end(), alert) != names.end();
  }

  static std::vector<json> dashboards() {
    std::vector<json> all;
    for (const auto &file :
         fs::directory_iterator(places().monitoring_parts() / "grafana" / "dashboards"))
      all.push_back(json::parse(text_of_file(file.path()).value()));
    return all;
  }

  static inline std::unique_ptr<TestLab> the_lab_;
  static inline unsigned short base_ = 0;
};

TEST_F(Monitoring, PrometheusAcceptsTheFilesAsTheyAreAndAsTheyAreInstalled) {
  for (const fs::path &folder :
       {fs::path(LAB_SOURCE) / "dashboard" / "monitoring", places().monitoring()}) {
    const auto config =
        db::run({.argv = {"promtool", "check", "config", folder / "prometheus.yml"}}, 30s);
    EXPECT_TRUE(config.well()) << config.output;
    const auto rules = db::run({.argv = {"promtool", "check", "rules", folder / "rules.yml"}}, 30s);
    EXPECT_TRUE(rules.well()) << rules.output;
  }
}

TEST_F(Monitoring, UnderALoadEachPanelShowsSomethingAndTheAlertsFire) {
  ASSERT_EQ(lab({"use", "fixed_tiny"}).status, 0);
  const double begin = seconds_since_1970();
  db::Launch how = the_lab_->launch({"load", "hold", "--seconds", "9"});
  how.out = how.err = db::Output::captured();
  db::Child load(how);
  EXPECT_TRUE(eventually([] {
    return fires("RequestsWaitForAConnection") && fires("PoolTimeouts");
  })) << testing::PrintToString(firing());
  // Meanwhile: an empty table now means that nothing is measured, not that nothing happens.
  int panels = 0, queries = 0;
  for (const json &dashboard : dashboards())
    for (const json &panel : dashboard.at("panels")) {
      if (panel.at("type") == "row")
        continue;
      ++panels;
      for (const json &target : panel.at("targets")) {
        ++queries;
        EXPECT_TRUE(eventually([&] { return any_number(since(begin, target.at("expr"))); }, 10s))
            << panel.at("title") << ": " << target.at("expr");
      }
    }
  EXPECT_GE(panels, 15);
  EXPECT_GT(queries, panels);
  const auto ended = load.wait_for(60s);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->status, 1) << "it fails, and is valid: " << load.output();
  EXPECT_TRUE(eventually([] { return firing().empty(); }, 30s)) << "they end with their cause";
}

TEST_F(Monitoring, EachRuleIsEvaluatedAndSaysWhatToDo) {
  ASSERT_TRUE(eventually([] { return prometheus("/api/v1/rules").is_object(); }));
  std::map<std::string, json> rules;
  const auto evaluated = [&rules] {
    const json data = prometheus("/api/v1/rules");
    for (const json &group : data.at("groups"))
      for (const json &rule : group.at("rules"))
        rules[rule.at("name")] = rule;
    return !rules.empty() && std::all_of(rules.begin(), rules.end(), [](const auto &rule) {
      return rule.second.at("health") == "ok";
    });
  };
  EXPECT_TRUE(eventually(evaluated));
  for (const char *name : {"RequestsWaitForAConnection", "NearMaxConnections", "PoolTimeouts",
                           "StrategyContained", "HostBeganAnew"}) {
    ASSERT_TRUE(rules.contains(name)) << name;
    EXPECT_EQ(rules[name].at("health"), "ok") << rules[name].dump();
    EXPECT_GT(rules[name].at("annotations").at("summary").get<std::string>().size(), 60u) << name;
    // What it compares is there: without the comparison there is always a number.
    const std::string expression = rules[name].at("query");
    const auto comparison = expression.find_last_of("><=");
    const std::string left = expression.substr(0, expression.find_first_of("><"));
    ASSERT_NE(comparison, std::string::npos) << expression;
    EXPECT_TRUE(eventually([&] { return !now(left).empty(); })) << left;
  }
}

TEST_F(Monitoring, ANearCeilingIsReportedUntilConnectionsAreGivenBack) {
  ASSERT_EQ(lab({"use", "fixed_huge"}).status, 0);
  db::Launch how = the_lab_->launch({"load", "ceiling", "--seconds", "6"});
  how.out = how.err = db::Output::captured();
  db::Child load(how);
  EXPECT_TRUE(eventually([] { return fires("NearMaxConnections"); }))
      << testing::PrintToString(firing());
  ASSERT_TRUE(load.wait_for(60s)) << load.output();
  ASSERT_EQ(lab({"use", "bounded_timeout"}).status, 0); // closes all but ten
  EXPECT_TRUE(eventually([] { return !fires("NearMaxConnections"); }, 30s));
}

TEST_F(Monitoring, AStrategyThatFallsIsReported) {
  fs::copy_file(fs::path(LAB_BUILD) / "bad" / "fault_on_command.so",
                places().my_strategies() / "fault_on_command.so");
  ASSERT_TRUE(eventually([] { return lab({"use", "fault_on_command"}).status == 0; }));
  EXPECT_FALSE(fires("StrategyContained"));
  EXPECT_NE(lab({"use", "fault_on_command", "--set", "fault=1"}).status, 0);
  EXPECT_TRUE(eventually([] { return fires("StrategyContained"); }))
      << testing::PrintToString(firing());
  EXPECT_EQ(lab({"use", "fixed_tiny"}).status, 0); // the next use ends what is told of a fall
  fs::remove(places().my_strategies() / "fault_on_command.so");
}

TEST_F(Monitoring, AHostThatBeganAnewIsReported) {
  ASSERT_TRUE(eventually([] { return value("pool_lab_start_time_seconds") > 0; }));
  EXPECT_FALSE(fires("HostBeganAnew"));
  ::kill(status().at("host_pid").get<pid_t>(), SIGKILL);
  EXPECT_TRUE(eventually([] { return fires("HostBeganAnew"); }, 30s))
      << testing::PrintToString(firing());
}

TEST_F(Monitoring, AgreesWithTheHost) {
  ASSERT_EQ(lab({"use", "bounded_timeout"}).status, 0);
  const auto held = std::async(std::launch::async, [] { hold(base_, 5s); });
  ASSERT_TRUE(eventually([] { return host().pool().at("in_use") == 1; }));
  const auto used = [] {
    return value(R"(db_client_connection_count{db_client_connection_state="used"})");
  };
  EXPECT_TRUE(eventually([&] { return used() == 1; }, 5s)) << used();
  held.wait();
  EXPECT_TRUE(eventually([&] { return used() == 0; })) << used();

  const json pool = host().pool();
  const std::map<std::string, json> same = {
      {"db_client_connection_max", pool.at("plan").at("max_in_use")},
      {"db_client_connection_pending_requests", pool.at("waiting")},
      {R"(db_client_connection_count{db_client_connection_state="idle"})", pool.at("idle")},
      {R"(pool_lab_requests_total{code="ok"})", pool.at("requests").at("ok")},
      {R"(pool_lab_requests_total{code="pool_timeout"})", pool.at("requests").at("pool_timeout")},
      {"db_client_connection_timeouts_total", pool.at("counts").at("timed_out")},
      {R"(pool_lab_pool_events_total{event="asked"})", pool.at("counts").at("asked")},
      {R"(pool_lab_server_connections{kind="max"})", pool.at("server").at("max_connections")},
      {"pool_lab_wait_limit_seconds * 1000", pool.at("plan").at("wait_timeout_ms")},
      {"pg_up", 1},
  };
  for (const auto &[expression, expected] : same)
    EXPECT_TRUE(eventually([&] { return value(expression) == expected.get<double>(); }, 5s))
        << expression << ": " << value(expression) << ", but the host says " << expected;
  EXPECT_TRUE(status().at("problems").empty()) << status().at("problems").dump();
}

TEST_F(Monitoring, ASwapIsMarked) {
  ASSERT_EQ(lab({"use", "bounded_timeout"}).status, 0);
  ASSERT_EQ(lab({"use", "fixed_huge"}).status, 0);
  const double swapped = seconds_since_1970();
  json annotation;
  for (const json &dashboard : dashboards())
    for (const json &one : dashboard.at("annotations").at("list")) {
      EXPECT_FALSE(since(swapped - 5, one.at("expr")).is_null()) << one.at("expr");
      if (one.at("name") == "Swaps")
        annotation = one;
    }
  ASSERT_TRUE(annotation.at("useValueForTime"));
  json marked;
  EXPECT_TRUE(eventually([&] {
    for (const json &series : since(swapped - 5, annotation.at("expr")))
      if (series.at("metric").at("from") == "bounded_timeout" &&
          series.at("metric").at("to") == "fixed_huge")
        marked = series;
    return !marked.is_null();
  }));
  const double at = std::stod(marked.at("values").back().at(1).get<std::string>());
  EXPECT_NEAR(at, swapped * 1000, 5000);
}

TEST_F(Monitoring, NoPasswordIsSeen) {
  const std::string passwords = text_of_file(places().postgres_folder() / "passfile").value();
  const std::string of_process = fmt::format("/proc/{}/", pid_of("exporter"));
  const std::string seen = text_of_file(of_process + "cmdline").value() +
                           text_of_file(of_process + "environ").value() +
                           text_of_file(places().monitoring() / "exporter.json").value() +
                           text_of_file(daemon_log(places(), "exporter")).value();
  std::istringstream lines(passwords);
  int checked = 0;
  for (std::string line; std::getline(lines, line); ++checked)
    EXPECT_EQ(seen.find(line.substr(line.rfind(':') + 1)), std::string::npos) << line.substr(0, 18);
  EXPECT_EQ(checked, 3);
  EXPECT_THAT(seen, HasSubstr("DATA_SOURCE_NAME"));
}

TEST_F(Monitoring, TakesOneConnectionAndListensOnLoopbackOnly) {
  ASSERT_TRUE(eventually([] { return value("pg_up") == 1; }));
  const Said count = lab({"psql", "--", "psql", "-XAtc",
                          "SELECT count(*) FROM pg_stat_activity WHERE application_name = "
                          "'pool_lab exporter'"});
  EXPECT_EQ(count.out, "1\n") << count.err;
  const auto listens = db::run({.argv = {"cat", "/proc/net/tcp", "/proc/net/tcp6"}}, 5s).output;
  for (const unsigned short port : {ports().exporter, ports().prometheus}) {
    EXPECT_THAT(listens, HasSubstr(fmt::format(" 0100007F:{:04X} 00000000:0000 0A", port)));
    EXPECT_THAT(listens, Not(HasSubstr(fmt::format("00000000:{:04X} 00000000", port))));
  }
}

TEST_F(Monitoring, WhatWasKilledComesBackWithWhatItHadSeen) {
  const double begin = seconds_since_1970() - 1;
  ASSERT_TRUE(eventually([&] { return any_number(since(begin, "up{job=\"host\"}")); }));
  const pid_t before = pid_of("prometheus");
  ::kill(before, SIGKILL);
  ::kill(pid_of("exporter"), SIGKILL);
  ASSERT_TRUE(eventually([] { return pid_of("prometheus") == 0 && pid_of("exporter") == 0; }));
  const std::string problems = status().at("problems").dump();
  EXPECT_THAT(problems, HasSubstr("Prometheus does not run: run scripts/lab up"));
  EXPECT_THAT(problems, HasSubstr("the PostgreSQL exporter does not run: run scripts/lab up"));
  const pid_t host_before = status().at("host_pid");
  ASSERT_EQ(lab({"up"}).status, 0);
  EXPECT_NE(pid_of("prometheus"), 0);
  EXPECT_NE(pid_of("prometheus"), before);
  EXPECT_EQ(status().at("host_pid"), host_before);
  EXPECT_TRUE(status().at("problems").empty()) << status().at("problems").dump();
  EXPECT_TRUE(any_number(since(begin, "up{job=\"host\"}")));
  // And what runs is left alone.
  const pid_t now = pid_of("prometheus");
  ASSERT_EQ(lab({"up"}).status, 0);
  EXPECT_EQ(pid_of("prometheus"), now);
}

TEST_F(Monitoring, DownEndsAllAlsoWhatIsNotRecorded) {
  const Said down = lab({"down"});
  EXPECT_EQ(down.out, "stopped: Prometheus, PostgreSQL exporter, host, agent, PostgreSQL\n");
  EXPECT_TRUE(lab_processes(places()).empty());
  EXPECT_EQ(listener_on(ports().prometheus).has_value(), false);

  const Said up = lab({"up"}); // remembered
  ASSERT_EQ(up.status, 0) << up.err;
  EXPECT_THAT(up.out, HasSubstr(fmt::format("http://127.0.0.1:{}", ports().prometheus)));
  EXPECT_EQ(status().at("monitoring").at("prometheus_pid"), pid_of("prometheus"));
  fs::remove(places().monitoring() / "prometheus.json");
  fs::remove(places().monitoring() / "exporter.json");
  EXPECT_THAT(lab({"doctor"}).out, HasSubstr("the lab has lost track of it"));
  EXPECT_EQ(lab({"down"}).status, 0);
  EXPECT_TRUE(lab_processes(places()).empty());
  EXPECT_EQ(listener_on(ports().prometheus).has_value(), false);
}

TEST_F(Monitoring, IsLeftOutFromNowOn) {
  ASSERT_EQ(lab({"up", "--no-monitoring"}).status, 0);
  EXPECT_EQ(pid_of("prometheus") + pid_of("exporter"), 0);
  const json report = status();
  EXPECT_TRUE(report.at("monitoring").is_null());
  EXPECT_TRUE(report.at("problems").empty()) << report.at("problems").dump();
  ASSERT_EQ(lab({"up"}).status, 0);
  EXPECT_TRUE(status().at("monitoring").is_null());
}

TEST_F(Monitoring, APortInUseIsNamedBeforeAnythingStarts) {
  ASSERT_EQ(lab({"up", "--no-monitoring"}).status, 0);
  for (const unsigned short port : {ports().exporter, ports().prometheus}) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(fd, 1), 0);
    const Said said = lab({"up", "--monitoring"});
    EXPECT_EQ(said.status, 64);
    EXPECT_THAT(said.err, HasSubstr(fmt::format("port {} is in use by", port)));
    EXPECT_THAT(said.err, HasSubstr(fmt::format("(process {})", ::getpid())));
    EXPECT_EQ(std::count(said.err.begin(), said.err.end(), '\n'), 1) << said.err;
    EXPECT_EQ(pid_of("prometheus") + pid_of("exporter"), 0);
    EXPECT_TRUE(status().at("monitoring").is_null()) << "nothing is remembered of it";
    ::close(fd);
  }
}

// In a container that has both as services.
TEST_F(Monitoring, BesideTheLabsOwnOnlyTheExporterRuns) {
  const std::map<std::string, std::string> beside = {{"LAB_MONITORING", "beside"}};
  const Said up = lab({"up"}, beside);
  ASSERT_EQ(up.status, 0) << up.err;
  EXPECT_THAT(up.out, HasSubstr("beside the lab"));
  EXPECT_EQ(pid_of("prometheus"), 0);
  EXPECT_NE(pid_of("exporter"), 0);
  EXPECT_EQ(lab({"status"}, beside).status, 0) << lab({"status"}, beside).out;
}

// Not in Debian; where somebody has installed it, it is started as the others are.
TEST_F(Monitoring, GrafanaRunsWhereItIsInstalled) {
  EXPECT_THAT(lab({"up"}).out, HasSubstr("Grafana isn't installed: the page at http://127.0.0.1:"));
  const fs::path bin = the_lab_->folder() / "bin";
  fs::create_directories(bin);
  std::ofstream(bin / "grafana-server") << "#!/bin/sh\nenv\nexec sleep 1000\n";
  fs::permissions(bin / "grafana-server", fs::perms::owner_all | fs::perms::others_exec |
                                              fs::perms::others_read | fs::perms::group_exec |
                                              fs::perms::group_read);
  const std::map<std::string, std::string> with = {
      {"PATH", fmt::format("{}:{}", bin.string(), std::getenv("PATH"))}};
  const Said up = lab({"up"}, with);
  ASSERT_EQ(up.status, 0) << up.err;
  EXPECT_THAT(up.out, HasSubstr(fmt::format("Grafana: http://127.0.0.1:{}", ports().grafana)));
  const pid_t grafana = pid_of("grafana");
  ASSERT_NE(grafana, 0);
  EXPECT_TRUE(eventually([] {
    const std::string log = text_of_file(daemon_log(places(), "grafana")).value_or("");
    return log.find("GF_SERVER_HTTP_ADDR=127.0.0.1") != std::string::npos;
  }));
  const fs::path provisioned = places().monitoring() / "grafana" / "provisioning";
  EXPECT_THAT(text_of_file(provisioned / "datasources" / "prometheus.yml").value_or(""),
              HasSubstr(fmt::format("http://127.0.0.1:{}", ports().prometheus)));
  EXPECT_THAT(text_of_file(provisioned / "dashboards" / "lab.yml").value_or(""),
              HasSubstr((places().monitoring_parts() / "grafana" / "dashboards").string()));
  EXPECT_THAT(lab({"down"}, with).out, HasSubstr("stopped: Grafana, Prometheus"));
  EXPECT_FALSE(process(grafana));
}

} // namespace
} // namespace lab::cli
