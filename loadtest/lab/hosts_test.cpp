// A lab with two hosts: one database, one agent, one strategy, two ports. Real
// processes and loads, driven as people drive them. Waits on conditions only.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "db/child.hpp"
#include "loadtest/lab/host_api.hpp"
#include "loadtest/lab/lab_processes.hpp"
#include "loadtest/lab/load_lock.hpp"
#include "loadtest/lab/process.hpp"
#include "loadtest/lab/state.hpp"
#include "loadtest/lab/test_lab.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;

class TwoHosts : public testing::Test {
protected:
  using Said = TestLab::Said;

  static void SetUpTestSuite() { the_lab_ = std::make_unique<TestLab>(); }
  static void TearDownTestSuite() { the_lab_.reset(); }

  // Each test begins with two hosts that have not just been through a restart, on
  // bounded_timeout, without settings of it.
  void SetUp() override {
    ASSERT_EQ(lab({"down"}).status, 0);
    std::ofstream(places().my_settings()) << "# nothing\n";
    const Said up = lab({"up", "--hosts", "2", "--port", std::to_string(port())});
    ASSERT_EQ(up.status, 0) << up.err;
    const Said used = lab({"use", "fixed_huge"}); // another one, so that nothing stays stated
    ASSERT_EQ(used.status, 0) << used.err;
    ASSERT_EQ(lab({"use", "bounded_timeout"}).status, 0);
    ASSERT_TRUE(no_problems()) << status().dump(2);
  }

  static Said lab(std::vector<std::string> arguments) {
    return the_lab_->lab(std::move(arguments));
  }
  static json status() { return the_lab_->status(); }
  static const Places &places() { return the_lab_->places(); }
  static unsigned short port() { return the_lab_->port(); }
  static unsigned short second_port() { return static_cast<unsigned short>(port() + 1); }
  static HostApi first() { return HostApi(port()); }
  static HostApi second() { return HostApi(second_port()); }
  static State state() { return StateFile(places().state()).read(); }
  static json max_of(const HostApi &host) { return host.strategy().at("params").at("max"); }
  static int pid_of_second() { return status().at("hosts").at(1).at("pid"); }

  static bool no_problems() {
    return eventually([] { return status().at("problems").empty(); });
  }
  static std::string problems() { return status().at("problems").dump(); }

  static bool second_is_back_after(int pid) {
    return eventually([pid] {
      const json host = status().at("hosts").at(1);
      return host.at("pid").is_number() && host.at("pid") != pid &&
             host.at("strategy_state") == "ok";
    });
  }

  // The agent begins each look by handing over strategies: when it does so again, the
  // look that did it first is over.
  static void wait_for_a_whole_look() {
    for (const char *name : {"one.so", "other.so"}) {
      std::ofstream(places().my_strategies() / name) << "no library";
      ASSERT_TRUE(eventually([name] { return fs::exists(places().handed_over() / name); }));
    }
    for (const char *name : {"one.so", "other.so"})
      fs::remove(places().my_strategies() / name);
  }

  // Blocks until it is answered.
  static void hold(unsigned short port, std::chrono::milliseconds time) {
    Poco::Net::HTTPClientSession session("127.0.0.1", port);
    Poco::Net::HTTPRequest request("POST", "/lab/hold", Poco::Net::HTTPMessage::HTTP_1_1);
    const std::string body = json{{"kind", "submit"}, {"hold_ms", time.count()}}.dump();
    request.setContentType("application/json");
    request.setContentLength(static_cast<std::streamsize>(body.size()));
    session.sendRequest(request) << body;
    Poco::Net::HTTPResponse response;
    session.receiveResponse(response);
  }

  static json others_seen_by(const HostApi &host) { return host.pool().at("server").at("others"); }

  static std::int64_t served_by(const HostApi &host) {
    return host.pool().at("counts").at("served");
  }

  static std::unique_ptr<TestLab> the_lab_;
};

std::unique_ptr<TestLab> TwoHosts::the_lab_;

TEST_F(TwoHosts, AreUpOnTwoPortsAndAllCommandsKnowBoth) {
  const json report = status();
  ASSERT_EQ(report.at("hosts").size(), 2u);
  EXPECT_EQ(report["hosts"][0]["url"], first().url());
  EXPECT_EQ(report["hosts"][1]["url"], second().url());
  EXPECT_EQ(report["hosts"][0]["pid"], report["host_pid"]);
  EXPECT_NE(report["hosts"][1]["pid"], report["host_pid"]);
  EXPECT_EQ(report["host_url"], first().url());
  EXPECT_EQ(lab({"url"}).out, first().url() + "\n") << "one line, for scripts";
  EXPECT_EQ(lab({"url", "--all"}).out, first().url() + "\n" + second().url() + "\n");
  EXPECT_THAT(lab({"status"}).out, HasSubstr(second().url()));
  const Said logs = lab({"logs", "host", "-n", "1"});
  EXPECT_THAT(logs.out, HasSubstr("host.log"));
  EXPECT_THAT(logs.out, HasSubstr("host-2.log"));
  const Said doctor = lab({"doctor"});
  EXPECT_THAT(doctor.out, HasSubstr(fmt::format("{} is the second host's", second_port())));
  EXPECT_THAT(doctor.out, testing::Not(HasSubstr("lost track")));
  // What is remembered holds, and nothing is started anew for it.
  ASSERT_EQ(lab({"up"}).status, 0);
  EXPECT_EQ(status().at("hosts"), report.at("hosts"));
}

TEST_F(TwoHosts, ArePausedResumedAndReclaimedTogether) {
  EXPECT_EQ(lab({"pause"}).out, "paused on 2 hosts\n");
  EXPECT_EQ(lab({"pause"}).out, "paused already on 2 hosts\n");
  for (const HostApi &host : {first(), second()}) {
    EXPECT_EQ(host.pool().at("paused"), true);
    EXPECT_EQ(host.health().at("status"), "degraded");
  }
  EXPECT_EQ(lab({"status"}).status, 1);
  EXPECT_THAT(problems(), HasSubstr("the host hands out no connections"));
  EXPECT_THAT(problems(), HasSubstr("the second host hands out no connections"));
  EXPECT_THAT(problems(), HasSubstr("scripts/lab resume"));
  const Said load = lab({"load", "hold", "--seconds", "1"});
  EXPECT_EQ(load.status, 64) << load.out;
  EXPECT_THAT(load.err, HasSubstr("is paused: scripts/lab resume"));
  ASSERT_EQ(lab({"use", "fixed_tiny"}).status, 0);
  EXPECT_EQ(second().pool().at("paused"), true) << "a swap is no resume";

  const json resumed = json::parse(lab({"resume", "--json"}).out);
  EXPECT_EQ(resumed.at("paused"), false);
  EXPECT_EQ(resumed.at("changed"), true);
  EXPECT_EQ(resumed.at("hosts").size(), 2U);
  EXPECT_TRUE(no_problems());
  EXPECT_EQ(lab({"resume"}).out, "not paused on 2 hosts\n");

  const Said nothing = lab({"reclaim"});
  EXPECT_EQ(nothing.status, 0) << nothing.err;
  EXPECT_EQ(nothing.out, "nothing to reclaim: no connection is suspected of being leaked\n");
  const json reclaimed = json::parse(lab({"reclaim", "--json"}).out);
  EXPECT_EQ(reclaimed.at("reclaimed"), 0);
  EXPECT_EQ(reclaimed.at("hosts").at(1).at("url"), second().url());
}

TEST_F(TwoHosts, ShareALoadAndTheDatabasesConnections) {
  const std::int64_t before[] = {served_by(first()), served_by(second())};
  db::Launch how = the_lab_->launch(
      {"load", "hold", "--users", "50", "--seconds", "3", "--warm-up", "0", "--json"});
  how.out = db::Output::captured();
  how.err = db::Output::discarded();
  db::Child load(how);
  int most = 0; // as the server itself counts them
  while (!load.wait_for(0ms)) {
    const Said counted =
        lab({"psql", "--", "psql", "-Atc",
             "SELECT count(*) FROM pg_stat_activity WHERE usename = 'lab_jobs' AND pid <> "
             "pg_backend_pid()"});
    most = std::max(most, std::atoi(counted.out.c_str()));
  }
  const json summary = json::parse(load.output());
  EXPECT_EQ(summary.at("hosts"), 2);
  EXPECT_EQ(summary.at("strategy"), "bounded_timeout");
  EXPECT_EQ(summary.at("params").at("max"), 10) << "each one's";
  EXPECT_GT(most, 10) << "one pool alone has 10";
  EXPECT_LE(most, 20);
  EXPECT_EQ(summary.at("pool").at("limit"), 20);
  EXPECT_LE(summary.at("pool").at("max_open"), 20);
  EXPECT_LE(summary.at("server").at("total_max"), 20 + 2 + 1) << "two monitors, and our psql";
  const std::int64_t served[] = {served_by(first()) - before[0], served_by(second()) - before[1]};
  for (const std::int64_t one : served)
    EXPECT_GT(one, (served[0] + served[1]) / 3)
        << served[0] << " and " << served[1] << ", of " << summary.dump();
}

// Each one's strategy is shown the other one's connections as somebody else's.
TEST_F(TwoHosts, SeeEachOthersConnectionsAsOthers) {
  ASSERT_NE(lab({"load", "hold", "--users", "50", "--seconds", "1", "--warm-up", "0"}).status, 64);
  const int first_has = first().pool().at("open"), second_has = second().pool().at("open");
  ASSERT_GT(first_has, 3);
  ASSERT_GT(second_has, 3);
  const int monitors = 2;
  EXPECT_TRUE(eventually([&] { return others_seen_by(first()) == second_has + monitors; }, 5s))
      << others_seen_by(first());
  EXPECT_TRUE(eventually([&] { return others_seen_by(second()) == first_has + monitors; }, 5s))
      << others_seen_by(second());
}

TEST_F(TwoHosts, UseAppliesToBoth) {
  ASSERT_EQ(lab({"use", "fixed_tiny", "--set", "max=7"}).status, 0);
  for (const HostApi &host : {first(), second()}) {
    EXPECT_EQ(host.strategy().at("name"), "fixed_tiny") << host.url();
    EXPECT_EQ(max_of(host), 7) << host.url();
  }
  // Also when somebody had set one on the second host alone.
  second().use({"fixed_tiny", {{"wait_ms", 900}}}, HostApi::Instance::may_stay);
  EXPECT_THAT(problems(), HasSubstr("other settings"));
  ASSERT_EQ(lab({"use", "fixed_tiny", "--set", "max=8"}).status, 0);
  EXPECT_EQ(first().strategy().at("params"), second().strategy().at("params"));
  EXPECT_EQ(max_of(second()), 8);
  EXPECT_TRUE(no_problems());
}

TEST_F(TwoHosts, WhatTheSecondRefusesNeitherRuns) {
  const fs::path aside = places().home() / "copies-aside";
  fs::rename(places().copies(1), aside); // no private copy can be made
  const Said said = lab({"use", "fixed_tiny"});
  fs::rename(aside, places().copies(1));
  EXPECT_EQ(said.status, 1);
  EXPECT_THAT(said.err, HasSubstr("the second host"));
  EXPECT_THAT(said.err, HasSubstr("the host is back on bounded_timeout"));
  EXPECT_EQ(std::count(said.err.begin(), said.err.end(), '\n'), 1) << said.err;
  for (const HostApi &host : {first(), second()})
    EXPECT_EQ(host.strategy().at("name"), "bounded_timeout") << host.url();
  EXPECT_EQ(state().in_use.name, "bounded_timeout");
  EXPECT_TRUE(no_problems());
}

TEST_F(TwoHosts, AComparisonIsOfBothAndLeavesThemAsTheyWere) {
  ASSERT_EQ(lab({"use", "fixed_huge", "--set", "max=44"}).status, 0);
  const Said said = lab({"compare", "fixed_tiny", "bounded_timeout", "--profile", "hold",
                         "--seconds", "1", "--warm-up", "0.5", "--json"});
  const json list = json::parse(said.out);
  ASSERT_EQ(list.size(), 2u) << said.err;
  EXPECT_EQ(list[0].at("pool").at("limit"), 2 * 3);
  EXPECT_EQ(list[1].at("pool").at("limit"), 2 * 10);
  for (const HostApi &host : {first(), second()}) {
    EXPECT_EQ(host.strategy().at("name"), "fixed_huge") << host.url();
    EXPECT_EQ(max_of(host), 44) << host.url();
  }
}

// So many connections would be twice as many.
TEST_F(TwoHosts, AreNotCalibrated) {
  const Said refused = lab({"calibrate"});
  EXPECT_EQ(refused.status, 64);
  EXPECT_THAT(refused.err, HasSubstr("calibrate measures one host, and 2 are up"));
}

TEST_F(TwoHosts, WhatIsSavedIsInForceOnBoth) {
  std::ofstream(places().my_settings()) << "[bounded_timeout]\nmax = 12\n";
  for (const HostApi &host : {first(), second()})
    EXPECT_TRUE(eventually([&host] { return max_of(host) == 12; }, 1s)) << host.url();
  const int pid = pid_of_second();
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  ASSERT_TRUE(second_is_back_after(pid));
  EXPECT_EQ(max_of(second()), 12) << "also in one that is started anew";
}

// It was not there when it was saved: what was set by name afterwards stays over it.
TEST_F(TwoHosts, ASecondHostThatComesLaterStartsAsTheFirstIs) {
  ASSERT_EQ(lab({"up", "--hosts", "1"}).status, 0);
  std::ofstream(places().my_settings()) << "[bounded_timeout]\nmax = 12\nwait_ms = 700\n";
  ASSERT_TRUE(eventually([] { return max_of(first()) == 12; }));
  ASSERT_EQ(lab({"use", "bounded_timeout", "--set", "max=9"}).status, 0);
  ASSERT_EQ(lab({"up", "--hosts", "2"}).status, 0);
  EXPECT_EQ(max_of(first()), 9);
  EXPECT_EQ(second().strategy().at("params"), first().strategy().at("params"));
  EXPECT_EQ(second().strategy().at("set"), json({{"max", 9}}));
}

TEST_F(TwoHosts, AKilledSecondHostIsBackOnItsStrategy) {
  const json before = status();
  const int pid = before.at("hosts").at(1).at("pid");
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  ASSERT_TRUE(second_is_back_after(pid));
  const json after = status();
  EXPECT_EQ(after["hosts"][1]["strategy"], "bounded_timeout");
  EXPECT_EQ(after["host_pid"], before["host_pid"]) << "the first is left alone";
  EXPECT_TRUE(after["problems"].empty()) << after["problems"].dump();
}

TEST_F(TwoHosts, AStrategyThatEndsTheSecondIsRefusedForBoth) {
  ASSERT_EQ(lab({"use", "fixed_huge"}).status, 0);
  const int pid = pid_of_second();
  ASSERT_EQ(::kill(pid, SIGABRT), 0);
  ASSERT_TRUE(second_is_back_after(pid));
  EXPECT_EQ(second().strategy().at("name"), "bounded_timeout");
  EXPECT_EQ(first().strategy().at("name"), "fixed_huge") << "the plan in force is data";
  EXPECT_TRUE(state().refused.contains("fixed_huge"));
  // Also for an agent that is new and sees the first one run it: nobody used it by name.
  const int agent = status().at("agent_pid");
  ASSERT_EQ(::kill(agent, SIGKILL), 0);
  ASSERT_TRUE(eventually([agent] { return !process(agent); }));
  ASSERT_EQ(lab({"up"}).status, 0);
  wait_for_a_whole_look();
  EXPECT_TRUE(state().refused.contains("fixed_huge"));
  EXPECT_THAT(problems(), HasSubstr("the second host runs bounded_timeout, the first one "
                                    "fixed_huge"));
  // A summary names one strategy.
  const Said load = lab({"load", "hold", "--seconds", "1"});
  EXPECT_EQ(load.status, 64);
  EXPECT_THAT(load.err, HasSubstr("put both on one"));

  ASSERT_EQ(lab({"down"}).status, 0);
  ASSERT_EQ(lab({"up"}).status, 0);
  for (const HostApi &host : {first(), second()})
    EXPECT_EQ(host.strategy().at("name"), "bounded_timeout") << host.url();
  ASSERT_EQ(lab({"use", "fixed_huge"}).status, 0);
  EXPECT_TRUE(no_problems());
}

TEST_F(TwoHosts, SomebodysSwapOnTheSecondIsToldAndNotRemembered) {
  second().use({"adaptive"}, HostApi::Instance::may_stay);
  // The agent has seen it when it would blame it.
  ASSERT_TRUE(eventually([] { return state().loaded[1] == Choice{"adaptive"}; }));
  EXPECT_EQ(state().in_use.name, "bounded_timeout");
  EXPECT_EQ(state().loaded[0], Choice{"bounded_timeout"});
  EXPECT_THAT(problems(), HasSubstr("the second host runs adaptive"));
  EXPECT_THAT(lab({"strategies"}).out, HasSubstr("the second host runs adaptive"));
  // On the first it is the strategy in use, as ever.
  first().use({"adaptive"}, HostApi::Instance::may_stay);
  EXPECT_TRUE(eventually([] { return state().in_use.name == "adaptive"; }));
  EXPECT_TRUE(no_problems());
}

TEST_F(TwoHosts, WithoutTheirAgentServeAndAreAdopted) {
  const json before = status();
  ASSERT_EQ(::kill(before.at("agent_pid").get<int>(), SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return !process(before["agent_pid"].get<int>()); }));
  EXPECT_NO_THROW(second().health());
  ASSERT_EQ(lab({"up"}).status, 0);
  EXPECT_EQ(status().at("hosts"), before.at("hosts"));
  const int pid = pid_of_second();
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  EXPECT_TRUE(second_is_back_after(pid));
}

TEST_F(TwoHosts, AreBackByOneUpAfterAllWasKilled) {
  ASSERT_EQ(lab({"use", "fixed_tiny", "--set", "max=5"}).status, 0);
  // The agent first, so that it starts nothing any more.
  auto all = lab_processes(places());
  std::stable_partition(all.begin(), all.end(),
                        [](const LabProcess &one) { return one.program == "lab agent"; });
  ASSERT_EQ(std::count_if(all.begin(), all.end(),
                          [](const LabProcess &one) { return one.program == "lab_host"; }),
            2);
  for (const LabProcess &one : all) {
    ::kill(one.id.pid, SIGKILL);
    ASSERT_TRUE(EndWatch(one.id).wait_for(5s)) << one.program;
  }
  const Said up = lab({"up"});
  ASSERT_EQ(up.status, 0) << up.err;
  for (const HostApi &host : {first(), second()}) {
    EXPECT_EQ(host.strategy().at("name"), "fixed_tiny") << host.url();
    EXPECT_EQ(max_of(host), 5) << host.url();
  }
  EXPECT_TRUE(no_problems()) << problems();
}

TEST_F(TwoHosts, OneIsStoppedByHostsOneAndTheFirstGoesOn) {
  const json before = status();
  ASSERT_EQ(lab({"up", "--hosts", "1"}).status, 0);
  json after = status();
  EXPECT_EQ(after.at("hosts").size(), 1u);
  EXPECT_EQ(after.at("host_pid"), before.at("host_pid"));
  EXPECT_FALSE(process(before["hosts"][1]["pid"].get<int>()));
  EXPECT_THROW(second().health(), HostUnreachable);
  EXPECT_TRUE(after.at("problems").empty()) << after.at("problems").dump();
  ASSERT_EQ(lab({"up"}).status, 0);
  EXPECT_EQ(status().at("hosts").size(), 1u) << "remembered";
  ASSERT_EQ(lab({"up", "--hosts", "2"}).status, 0);
  after = status();
  EXPECT_EQ(after.at("hosts").size(), 2u);
  EXPECT_EQ(after.at("host_pid"), before.at("host_pid")) << "nothing is interrupted by it";
}

TEST_F(TwoHosts, CannotBeChangedUnderALoad) {
  db::Launch how = the_lab_->launch({"load", "hold", "--seconds", "60"});
  how.out = how.err = db::Output::discarded();
  db::Child load(how);
  EXPECT_TRUE(eventually([] { return LoadLock::owner(places().load_lock()).has_value(); }));
  EXPECT_EQ(lab({"up", "--hosts", "1"}).status, 64);
  load.send(SIGINT);
  ASSERT_TRUE(load.wait_for(20s));
  EXPECT_EQ(status().at("hosts").size(), 2u);
}

// There the first takes the port that the second has, and back the other way round:
// though the one in the way takes its time to drain.
TEST_F(TwoHosts, MoveByOnePort) {
  for (const unsigned short base : {second_port(), port()}) {
    const auto held = std::async(std::launch::async, [] { hold(second_port(), 1500ms); });
    ASSERT_TRUE(eventually([] { return second().pool().at("in_use") == 1; }));
    const Said moved = lab({"up", "--port", std::to_string(base)});
    ASSERT_EQ(moved.status, 0) << moved.err;
    const json report = status();
    EXPECT_EQ(report["hosts"][0]["url"], HostApi(base).url());
    EXPECT_EQ(report["hosts"][1]["url"], HostApi(static_cast<unsigned short>(base + 1)).url());
    EXPECT_TRUE(report["problems"].empty()) << report["problems"].dump();
  }
}

TEST_F(TwoHosts, APortInUseForTheSecondIsNamed) {
  ASSERT_EQ(lab({"up", "--hosts", "1"}).status, 0);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(second_port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(fd, 1), 0);
  const Said said = lab({"up", "--hosts", "2"});
  EXPECT_EQ(said.status, 64);
  EXPECT_THAT(said.err, HasSubstr(fmt::format("port {} is in use by", second_port())));
  EXPECT_THAT(said.err, HasSubstr(fmt::format("(process {})", ::getpid())));
  EXPECT_EQ(std::count(said.err.begin(), said.err.end(), '\n'), 1) << said.err;
  EXPECT_EQ(status().at("hosts").size(), 1u) << "nothing is remembered of it";
  EXPECT_EQ(lab({"up"}).status, 0) << "one host doesn't need that port";
  ::close(fd);
}

TEST_F(TwoHosts, AreNotForAnotherDatabase) {
  const Said said = lab({"up", "--database", "host=/nowhere dbname=app user=tenant"});
  EXPECT_EQ(said.status, 64);
  EXPECT_THAT(said.err, HasSubstr("--hosts 1"));
  EXPECT_EQ(std::count(said.err.begin(), said.err.end(), '\n'), 1) << said.err;
  EXPECT_TRUE(no_problems());
  EXPECT_EQ(status().at("hosts").size(), 2u);
}

TEST_F(TwoHosts, DownLeavesNoProcess) {
  const Said said = lab({"down"});
  EXPECT_EQ(said.status, 0);
  EXPECT_EQ(said.out, "stopped: 2 hosts, agent, PostgreSQL\n");
  EXPECT_TRUE(lab_processes(places()).empty());
}

} // namespace
} // namespace lab::cli
