// The whole lab, installed into a home of its own and driven as people drive it:
// real PostgreSQL, agent, host, loads. Waits on conditions only.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "db/child.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/host_api.hpp"
#include "loadtest/lab/load_lock.hpp"
#include "loadtest/lab/places.hpp"
#include "loadtest/lab/ports.hpp"
#include "loadtest/lab/process.hpp"
#include "loadtest/lab/test_lab.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;

// One lab for all tests of this program. Each test brings it up as it needs it.
class Lab : public testing::Test {
protected:
  using Said = TestLab::Said;

  static void SetUpTestSuite() {
    the_lab_ = std::make_unique<TestLab>();
    folder_ = the_lab_->folder();
    places_ = &the_lab_->places();
    port_ = the_lab_->port();
  }
  static void TearDownTestSuite() { the_lab_.reset(); }

  void SetUp() override {
    const Said up = lab({"up"});
    ASSERT_EQ(up.status, 0) << up.err;
  }

  static db::Launch launch(std::vector<std::string> arguments) {
    return the_lab_->launch(std::move(arguments));
  }
  static Said lab(std::vector<std::string> arguments) {
    return the_lab_->lab(std::move(arguments));
  }
  static json status() { return the_lab_->status(); }
  static HostApi host() { return HostApi(port_); }

  // The number of the host once it is another than `before` and serves.
  static std::optional<int> host_after(int before) {
    std::optional<int> now;
    eventually([&] {
      const json report = status();
      if (report["host_pid"].is_number() && report["host_pid"] != before &&
          report["strategy_state"] == "ok")
        now = report["host_pid"].get<int>();
      return now.has_value();
    });
    return now;
  }

  static std::unique_ptr<TestLab> the_lab_;
  static fs::path folder_;
  static const Places *places_;
  static unsigned short port_;
};

std::unique_ptr<TestLab> Lab::the_lab_;
fs::path Lab::folder_;
const Places *Lab::places_ = nullptr;
unsigned short Lab::port_ = 0;

TEST_F(Lab, IsUpAndSaysSo) {
  const Said said = lab({"status", "--json"});
  EXPECT_EQ(said.status, 0) << said.out;
  EXPECT_EQ(said.err, "");
  const json report = json::parse(said.out);
  EXPECT_EQ(report["host_url"], fmt::format("http://127.0.0.1:{}", port_));
  EXPECT_EQ(report["strategy_state"], "ok");
  EXPECT_TRUE(report["problems"].empty());
  EXPECT_THAT(report["database_url"].get<std::string>(), HasSubstr("postgresql://lab_jobs@/lab"));
  for (const char *pid : {"host_pid", "postgres_pid", "agent_pid"})
    EXPECT_TRUE(process(report[pid].get<int>())) << pid;
  EXPECT_EQ(lab({"url"}).out, report["host_url"].get<std::string>() + "\n");

  ASSERT_EQ(lab({"up"}).status, 0);
  const json again = status();
  for (const char *pid : {"host_pid", "postgres_pid", "agent_pid"})
    EXPECT_EQ(again[pid], report[pid]) << pid;
}

TEST_F(Lab, TheStrategyInUseOutlivesDownAndUp) {
  const Said used = lab({"use", "fixed_tiny", "--set", "max=7"});
  ASSERT_EQ(used.status, 0) << used.err;
  ASSERT_EQ(lab({"down"}).status, 0);
  ASSERT_EQ(lab({"up"}).status, 0);
  json report = status();
  EXPECT_EQ(report["strategy"], "fixed_tiny");
  EXPECT_EQ(report["params"]["max"], 7);
  // Somebody else's swap over HTTP is the strategy in use just as well.
  host().use({"adaptive"}, HostApi::Instance::may_stay);
  ASSERT_TRUE(
      eventually([&] { return StateFile(places_->state()).read().in_use.name == "adaptive"; }));
  ASSERT_EQ(lab({"down"}).status, 0);
  ASSERT_EQ(lab({"up"}).status, 0);
  EXPECT_EQ(status()["strategy"], "adaptive");
}

TEST_F(Lab, UseRefusesWhatCannotBe) {
  ASSERT_EQ(lab({"use", "bounded_timeout"}).status, 0);
  for (const std::vector<std::string> &wrong : {std::vector<std::string>{"use", "nosuch"},
                                                {"use", "../x"},
                                                {"use", "adaptive", "--set", "x=1"},
                                                {"use", "bounded_timeout", "--set", "max=-1"}})
    EXPECT_EQ(lab(wrong).status, 64) << wrong[1];
  EXPECT_EQ(status()["strategy"], "bounded_timeout");
}

TEST_F(Lab, AnOwnStrategyIsFoundAndOneThatIsNoneIsRefused) {
  fs::copy_file(places_->strategies() / "fixed_tiny.so", places_->my_strategies() / "mine.so");
  EXPECT_EQ(lab({"use", "mine"}).status, 0);
  EXPECT_EQ(status()["strategy"], "mine");
  write_whole(places_->my_strategies() / "garbage.so", "this is no library");
  const Said said = lab({"use", "garbage"});
  EXPECT_EQ(said.status, 1);
  EXPECT_THAT(said.err, HasSubstr("garbage"));
  EXPECT_EQ(status()["strategy"], "mine");
  const json all = json::parse(lab({"strategies", "--json"}).out);
  EXPECT_EQ(all.size(), 6u);
  fs::remove(places_->my_strategies() / "mine.so");
  fs::remove(places_->my_strategies() / "garbage.so");
  ASSERT_EQ(lab({"use", "fixed_tiny"}).status, 0);
}

TEST_F(Lab, ALoadsStatusIsItsVerdict) {
  ASSERT_EQ(lab({"use", "fixed_tiny"}).status, 0);
  const Said failed = lab({"load", "hold", "--seconds", "2", "--warm-up", "0.5", "--json"});
  EXPECT_EQ(failed.status, 1) << failed.err;
  const json summary = json::parse(failed.out); // nothing but JSON
  EXPECT_EQ(summary["strategy"], "fixed_tiny");
  EXPECT_EQ(summary["verdict"], "fail");

  ASSERT_EQ(lab({"use", "bounded_timeout"}).status, 0);
  const auto file = folder_ / "summary.json";
  const Said passed =
      lab({"load", "hold", "--seconds", "2", "--warm-up", "0.5", "--json", file.string()});
  EXPECT_EQ(passed.status, 0) << passed.out << passed.err;
  EXPECT_EQ(json::parse(text_of_file(file).value())["verdict"], "pass");
  EXPECT_THAT(passed.out, HasSubstr("bounded_timeout"));
}

TEST_F(Lab, OneLoadAtATimeAndCtrlCEndsIt) {
  db::Launch how = launch({"load", "hold", "--seconds", "60"});
  how.out = how.err = db::Output::discarded();
  db::Child load(how);
  ASSERT_TRUE(eventually([&] { return LoadLock::owner(places_->load_lock()).has_value(); }));
  const Said second = lab({"load", "hold", "--seconds", "1"});
  EXPECT_EQ(second.status, 64);
  EXPECT_THAT(second.err, HasSubstr("`lab load hold` (process " + std::to_string(load.pid())));
  EXPECT_EQ(lab({"reset"}).status, 64);
  EXPECT_EQ(lab({"use", "adaptive"}).status, 0) << "a swap under load is what the lab is for";
  load.send(SIGINT);
  const auto end = load.wait_for(20s);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->status, 130);
  EXPECT_FALSE(LoadLock::owner(places_->load_lock()));
}

TEST_F(Lab, AComparisonLeavesThingsAsTheyWere) {
  ASSERT_EQ(lab({"use", "fixed_huge", "--set", "max=44"}).status, 0);
  const Said said =
      lab({"compare", "fixed_tiny", "bounded_timeout", "--profile", "hold", "--seconds", "2",
           "--warm-up", "1", "--set", "fixed_tiny.max=30", "--json"});
  EXPECT_EQ(said.status, 0) << said.err;
  const json list = json::parse(said.out);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0]["strategy"], "fixed_tiny");
  EXPECT_EQ(list[0]["params"]["max"], 30);
  EXPECT_EQ(list[1]["strategy"], "bounded_timeout");
  EXPECT_EQ(list[0]["schedule"], list[1]["schedule"]);
  const json report = status();
  EXPECT_EQ(report["strategy"], "fixed_huge");
  EXPECT_EQ(report["params"]["max"], 44);
  EXPECT_EQ(lab({"psql", "--", "psql", "-Atc", "SELECT count(*) FROM jobs"}).out, "10000\n");
}

TEST_F(Lab, CtrlCKeepsTheFinishedCells) {
  db::Launch how = launch({"compare", "fixed_tiny", "bounded_timeout", "--profile", "hold",
                           "--seconds", "2", "--warm-up", "0", "--json"});
  how.out = db::Output::captured();
  const auto progress = folder_ / "progress";
  how.err = db::Output::appended_to(progress);
  db::Child compare(how);
  ASSERT_TRUE(eventually(
      [&] { return text_of_file(progress).value_or("").find("[2/2]") != std::string::npos; }));
  compare.send(SIGINT);
  const auto end = compare.wait_for(20s);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->status, 130);
  const json list = json::parse(compare.output());
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0]["strategy"], "fixed_tiny");
}

TEST_F(Lab, AHostKilledFromOutsideIsBackOnItsStrategy) {
  ASSERT_EQ(lab({"use", "adaptive"}).status, 0);
  int pid = status()["host_pid"];
  for (const int signal : {SIGKILL, SIGTERM}) {
    ASSERT_EQ(lab({"down"}).status, 0); // a lab that has not just been through a restart
    ASSERT_EQ(lab({"up"}).status, 0);
    pid = status()["host_pid"];
    ASSERT_EQ(::kill(pid, signal), 0);
    const auto next = host_after(pid);
    ASSERT_TRUE(next) << signal;
    const json report = status();
    EXPECT_EQ(report["strategy"], "adaptive") << signal;
    EXPECT_TRUE(report["refused"].empty()) << signal;
    EXPECT_TRUE(report["problems"].empty()) << report["problems"].dump();
  }
}

TEST_F(Lab, AHostThatCrashesComesBackOnASafeStrategy) {
  ASSERT_EQ(lab({"use", "fixed_huge"}).status, 0);
  const int pid = status()["host_pid"];
  ASSERT_EQ(::kill(pid, SIGABRT), 0);
  ASSERT_TRUE(host_after(pid));
  Said said = lab({"status", "--json"});
  EXPECT_EQ(said.status, 1);
  json report = json::parse(said.out);
  EXPECT_EQ(report["strategy"], "bounded_timeout");
  EXPECT_TRUE(report["refused"].contains("fixed_huge"));
  // Refused also for the next `up`, until it is used by name.
  ASSERT_EQ(lab({"down"}).status, 0);
  ASSERT_EQ(lab({"up"}).status, 0);
  EXPECT_EQ(status()["strategy"], "bounded_timeout");
  ASSERT_EQ(lab({"use", "fixed_huge"}).status, 0);
  said = lab({"status", "--json"});
  EXPECT_EQ(said.status, 0) << said.out;
}

TEST_F(Lab, AHostWithoutItsAgentServesAndIsAdopted) {
  const json before = status();
  ASSERT_EQ(::kill(before["agent_pid"].get<int>(), SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return !process(before["agent_pid"].get<int>()); }));
  EXPECT_NO_THROW(host().health());
  EXPECT_EQ(lab({"status"}).status, 1);
  ASSERT_EQ(lab({"up"}).status, 0);
  const json after = status();
  EXPECT_EQ(after["host_pid"], before["host_pid"]);
  EXPECT_NE(after["agent_pid"], before["agent_pid"]);
  ASSERT_EQ(::kill(after["host_pid"].get<int>(), SIGKILL), 0);
  EXPECT_TRUE(host_after(after["host_pid"].get<int>()));
}

TEST_F(Lab, ANewerBuildIsStartedInPlaceOfTheOld) {
  const json before = status();
  for (const char *name : {"lab", "lab_host"}) {
    const auto program = places_->program(name);
    fs::copy_file(program, program.string() + ".new");
    fs::rename(program.string() + ".new", program);
  }
  ASSERT_EQ(lab({"up"}).status, 0);
  const json after = status();
  EXPECT_NE(after["host_pid"], before["host_pid"]);
  EXPECT_NE(after["agent_pid"], before["agent_pid"]);
  EXPECT_EQ(after["postgres_pid"], before["postgres_pid"]);
  EXPECT_EQ(after["strategy"], before["strategy"]);
}

// A browser editor forwards the port, and asks by a name of its own.
TEST_F(Lab, AnOriginThatIsAllowedStaysSoUntilNone) {
  const auto answer = [&] {
    Poco::Net::HTTPClientSession session("127.0.0.1", port_);
    Poco::Net::HTTPRequest request("GET", "/health", Poco::Net::HTTPMessage::HTTP_1_1);
    request.setHost("lab.example");
    session.sendRequest(request);
    Poco::Net::HTTPResponse response;
    session.receiveResponse(response);
    return static_cast<int>(response.getStatus());
  };
  EXPECT_EQ(answer(), 403);
  EXPECT_EQ(lab({"up", "--allow-origin", "lab.example/path"}).status, 64);
  ASSERT_EQ(lab({"up", "--allow-origin", "https://lab.example"}).status, 0);
  EXPECT_EQ(answer(), 200);
  const pid_t host = the_lab_->status().at("host_pid");
  ASSERT_EQ(lab({"up"}).status, 0); // remembered, and no reason to start anew
  EXPECT_EQ(the_lab_->status().at("host_pid"), host);
  EXPECT_EQ(answer(), 200);
  ASSERT_EQ(lab({"up", "--allow-origin", "none"}).status, 0);
  EXPECT_EQ(answer(), 403);
}

TEST_F(Lab, PostgresThatIsGoneIsToldAndStarted) {
  const json before = status();
  ASSERT_EQ(::kill(before["postgres_pid"].get<int>(), SIGKILL), 0);
  ASSERT_TRUE(eventually([] {
    const json report = status();
    return report["postgres_pid"].is_null() && !report["problems"].empty();
  }));
  EXPECT_EQ(lab({"psql", "--", "true"}).status, 64);
  ASSERT_EQ(lab({"up"}).status, 0);
  EXPECT_EQ(status()["host_pid"], before["host_pid"]);
  EXPECT_TRUE(eventually([] { return lab({"status"}).status == 0; }));
}

TEST_F(Lab, PsqlIsTheCommandItself) {
  EXPECT_EQ(lab({"psql", "--", "sh", "-c", "exit 7"}).status, 7);
  EXPECT_EQ(lab({"psql", "--", "no-such-program"}).status, 127);
  EXPECT_EQ(
      lab({"psql", "--", "psql", "-Atc", "SELECT current_user, current_setting('is_superuser')"})
          .out,
      "lab_jobs|off\n");
}

TEST_F(Lab, APortInUseIsNamed) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr *>(&address), size), 0);
  ASSERT_EQ(::listen(fd, 1), 0);
  ::getsockname(fd, reinterpret_cast<sockaddr *>(&address), &size);
  const Said said = lab({"up", "--port", std::to_string(ntohs(address.sin_port))});
  EXPECT_EQ(said.status, 64);
  EXPECT_THAT(said.err, HasSubstr(fmt::format("(process {})", ::getpid())));
  ::close(fd);
  EXPECT_EQ(lab({"status"}).status, 0) << "the lab stays as it is";

  const unsigned short other = free_port_after(port_);
  ASSERT_EQ(lab({"up", "--port", std::to_string(other)}).status, 0);
  EXPECT_EQ(status()["host_url"], fmt::format("http://127.0.0.1:{}", other));
  ASSERT_EQ(lab({"up"}).status, 0);
  EXPECT_EQ(status()["host_url"], fmt::format("http://127.0.0.1:{}", other)) << "remembered";
  ASSERT_EQ(lab({"up", "--port", std::to_string(port_)}).status, 0);
}

TEST_F(Lab, DownLeavesNoProcess) {
  const json report = status();
  const Said said = lab({"down"});
  EXPECT_EQ(said.status, 0);
  EXPECT_EQ(said.out, "stopped: host, agent, PostgreSQL\n");
  for (const char *pid : {"host_pid", "postgres_pid", "agent_pid"})
    EXPECT_FALSE(process(report[pid].get<int>())) << pid;
  for (const auto &entry : fs::directory_iterator("/proc")) {
    const auto line = text_of_file(entry.path() / "cmdline");
    EXPECT_TRUE(!line || line->find(folder_.string()) == std::string::npos) << *line;
  }
  EXPECT_EQ(lab({"status"}).status, 1);
  EXPECT_EQ(lab({"down"}).status, 0);
}

} // namespace
} // namespace lab::cli
