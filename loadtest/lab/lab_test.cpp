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
#include "loadtest/lab/state.hpp"
#include "loadtest/lab/test_lab.hpp"
#include "loadtest/run_folder.hpp"

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

// What a call gets that names its host so.
int answer_to(const std::string &name, unsigned short port) {
  Poco::Net::HTTPClientSession session("127.0.0.1", port);
  Poco::Net::HTTPRequest request("GET", "/health", Poco::Net::HTTPMessage::HTTP_1_1);
  request.setHost(name);
  session.sendRequest(request);
  Poco::Net::HTTPResponse response;
  session.receiveResponse(response);
  return static_cast<int>(response.getStatus());
}

// A browser editor forwards the port, and asks by a name of its own.
TEST_F(Lab, AnOriginThatIsAllowedStaysSoUntilNone) {
  const auto answer = [] { return answer_to("lab.example", port_); };
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

// In a codespace nobody need say so: it is known by its environment, and remembered.
TEST_F(Lab, TheNameThatAnEditorForwardsUnderIsAllowedByItself) {
  const auto answer = [](const std::string &name) { return answer_to(name, port_); };
  const auto up_in = [&](const std::string &codespace) {
    auto how = the_lab_->launch({"up"});
    how.environment["CODESPACE_NAME"] = codespace;
    how.environment["GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN"] = "editor.example";
    return db::run(how, std::chrono::seconds(60));
  };
  const auto name = [&](const std::string &codespace) {
    return fmt::format("{}-{}.editor.example", codespace, port_);
  };
  EXPECT_EQ(answer(name("one")), 403);
  const auto up = up_in("one");
  ASSERT_TRUE(up.well()) << up.output;
  EXPECT_THAT(up.output, HasSubstr(fmt::format("in this editor: https://{}", name("one"))));
  EXPECT_EQ(answer(name("one")), 200);
  EXPECT_EQ(answer(name("two")), 403);
  const pid_t host = the_lab_->status().at("host_pid");
  ASSERT_EQ(lab({"up"}).status, 0); // from a shell without these variables
  EXPECT_EQ(the_lab_->status().at("host_pid"), host);
  EXPECT_EQ(answer(name("one")), 200);
  ASSERT_TRUE(up_in("two").well()); // the folder was opened in another one
  EXPECT_EQ(answer(name("one")), 403);
  EXPECT_EQ(answer(name("two")), 200);
  StateFile(places_->state()).change([](State &s) { s.forwarded.clear(); });
  ASSERT_EQ(lab({"up"}).status, 0);
  EXPECT_EQ(answer(name("two")), 403);
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

// ---- a load's freeze, and what may not change in mid-run ---------------------------

// "T" in /proc: stopped.
bool stands_still(pid_t pid) {
  const auto stat = text_of_file(fmt::format("/proc/{}/stat", pid));
  return stat && stat->find(") T ") != std::string::npos;
}

TEST_F(Lab, AFreezeInTheMiddleIsTheStrategysToBearAndEndsInAThaw) {
  ASSERT_EQ(lab({"use", "bounded_timeout"}).status, 0);
  const Said said =
      lab({"load", "hold", "--seconds", "5", "--warm-up", "1", "--fault", "freeze", "--json"});
  EXPECT_EQ(said.status, 1) << said.err;
  EXPECT_THAT(said.err, HasSubstr("PostgreSQL is frozen for 1.67 s in the middle\n"));
  const json summary = json::parse(said.out);
  EXPECT_EQ(summary["verdict"], "fail") << summary["guards"].dump();
  EXPECT_TRUE(summary["guards"]["codes"].empty());
  EXPECT_EQ(summary["fault"]["name"], "freeze");
  EXPECT_NEAR(summary["fault"]["from_s"].get<double>(), 2.67, 0.5);
  EXPECT_NEAR(summary["fault"]["seconds"].get<double>(), 1.67, 0.5);
  EXPECT_EQ(summary["failed_main"]["code"], "pool_timeout");
  EXPECT_EQ(summary["by_second"][0]["failed"], 0) << "before it";
  EXPECT_EQ(summary["by_second"][4]["failed"], 0) << "after it";
  EXPECT_GT(summary["pool"]["hold_ms"]["max"], 1500);
  EXPECT_EQ(lab({"psql", "--", "psql", "-AtXc", "SELECT count(*) FROM jobs"}).out, "10000\n");

  const auto newest = load::list_runs(places_->runs()).front();
  const json run = load::read_run(newest.folder).run;
  EXPECT_EQ(run["fault"], summary["fault"]);
  EXPECT_EQ(run["started_ms"], summary["started_ms"]);
  EXPECT_GT(run["ended"], run["started"]);
}

TEST_F(Lab, CtrlCInAFreezeThawsAndClearLeavesAloneWhatFreezesNothing) {
  db::Launch how =
      launch({"load", "hold", "--seconds", "12", "--warm-up", "0", "--fault", "freeze", "--json"});
  how.out = db::Output::captured();
  how.err = db::Output::discarded();
  const pid_t postmaster = status()["postgres_pid"];
  db::Child load(how);
  ASSERT_TRUE(eventually([&] { return host().pool()["in_use"] > 0; }));
  EXPECT_EQ(lab({"fault", "freeze"}).status, 64) << "one at a time, and the load's comes";
  EXPECT_EQ(lab({"fault", "clear"}).status, 0);
  ASSERT_TRUE(eventually([&] { return stands_still(postmaster); }));
  const auto asked = std::chrono::steady_clock::now();
  load.send(SIGINT);
  ASSERT_TRUE(eventually([&] { return !stands_still(postmaster); }));
  EXPECT_LT(std::chrono::steady_clock::now() - asked, 2s) << "not only by the freeze's own end";
  const auto end = load.wait_for(20s);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->status, 130);
  const json summary = json::parse(load.output());
  EXPECT_EQ(summary["stopped"], true);
  EXPECT_LT(summary["fault"]["seconds"], 3) << "as long as it really was";
  EXPECT_EQ(lab({"psql", "--", "psql", "-AtXc", "SELECT 1"}).out, "1\n");
  EXPECT_EQ(lab({"fault", "freeze", "--seconds", "1"}).status, 0) << "its turn is over";
}

TEST_F(Lab, AFreezeOfADatabaseThatIsGoneMakesTheRunInvalid) {
  db::Launch how =
      launch({"load", "hold", "--seconds", "6", "--warm-up", "0", "--fault", "freeze", "--json"});
  how.out = db::Output::captured();
  how.err = db::Output::discarded();
  db::Child load(how);
  ASSERT_TRUE(eventually([&] { return host().pool()["in_use"] > 0; }));
  ASSERT_EQ(lab({"fault", "kill"}).status, 0);
  const auto end = load.wait_for(60s);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->status, 2);
  const json summary = json::parse(load.output());
  EXPECT_TRUE(summary["fault"].is_null());
  EXPECT_THAT(summary["guards"]["codes"].get<std::vector<std::string>>(),
              testing::Contains("marked"));
  EXPECT_THAT(summary["guards"]["reasons"].dump(), HasSubstr("the freeze could not be done: "));
}

TEST_F(Lab, ASettingThatChangesInMidRunMakesItInvalidHoweverItChanged) {
  const auto before = text_of_file(places_->my_settings());
  ASSERT_TRUE(before);
  const std::vector<std::function<void()>> ways = {
      [] {
        EXPECT_EQ(lab({"use", "bounded_timeout", "--set", "max=30"}).status, 0);
      },
      [] {
        host().use({"bounded_timeout", {{"max", 30}}}, HostApi::Instance::may_stay);
      },
      [] { write_whole(places_->my_settings(), "[bounded_timeout]\nmax = 30\n"); }};
  for (std::size_t way = 0; way < ways.size(); ++way) {
    ASSERT_EQ(lab({"use", "fixed_tiny"}).status, 0); // so that what was stated is gone
    ASSERT_EQ(lab({"use", "bounded_timeout"}).status, 0);
    db::Launch how = launch({"load", "hold", "--seconds", "2", "--warm-up", "1", "--json"});
    how.out = db::Output::captured();
    how.err = db::Output::discarded();
    db::Child load(how);
    ASSERT_TRUE(eventually([&] { return host().pool()["in_use"] > 0; })) << way;
    ways[way]();
    const auto end = load.wait_for(30s);
    ASSERT_TRUE(end) << way;
    EXPECT_EQ(end->status, 2) << way;
    const json summary = json::parse(load.output());
    EXPECT_THAT(summary["why"].get<std::string>(),
                HasSubstr("a setting changed in mid-run: max 10 to 30"))
        << way;
    EXPECT_EQ(summary["params"]["max"], 10) << way;
  }
  write_whole(places_->my_settings(), *before);
  ASSERT_TRUE(eventually([] { return status()["params"]["max"] == 10; }));
}

TEST_F(Lab, AHoldIsAsLongAsItWasAskedToBe) {
  ASSERT_EQ(lab({"use", "bounded_timeout"}).status, 0);
  const Said said = lab({"load", "hold", "--hold", "150", "--rate", "20", "--seconds", "2",
                         "--warm-up", "0", "--json"});
  const json summary = json::parse(said.out);
  EXPECT_EQ(summary["hold_ms"], 150);
  EXPECT_EQ(summary["rate_asked"], 20);
  EXPECT_GE(summary["pool"]["hold_ms"]["min"], 150);
}

TEST_F(Lab, WhoIsOnThePathHearsWhereToGoOn) {
  const std::string line = "on the path? next: scripts/lab check\n";
  const std::vector<std::string> load = {"load",      "hold", "--rate",    "20",
                                         "--seconds", "0.5",  "--warm-up", "0"};
  EXPECT_THAT(lab(load).out, testing::Not(HasSubstr(line)));
  write_whole(places_->progress(), "{}");
  EXPECT_THAT(lab(load).out, testing::EndsWith(line));
  EXPECT_THAT(lab({"compare", "bounded_timeout", "--profile", "hold", "--rate", "20", "--seconds",
                   "0.5", "--warm-up", "0"})
                  .out,
              testing::EndsWith(line));
  auto as_json = load;
  as_json.push_back("--json");
  const Said said = lab(as_json);
  EXPECT_THAT(said.out + said.err, testing::Not(HasSubstr(line)));
  fs::remove(places_->progress());
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
