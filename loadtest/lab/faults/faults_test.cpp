// Every kind of fault on a whole lab: it begins, is seen from outside, and is undone by
// its time, by `clear`, and by the agent when its command was killed.
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <pqxx/result>

#include "db/child.hpp"
#include "db/connection.hpp"
#include "db/tables.hpp"
#include "loadtest/lab/faults/fault_kind.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/process.hpp"
#include "loadtest/lab/test_lab.hpp"

namespace lab::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;

// What can be seen of each kind while it lasts, and not before or after.
struct Sight {
  std::vector<std::string> command; // without --seconds
  std::function<bool(const TestLab &)> seen;
};

int asked(const TestLab &lab, const std::string &sql) {
  const auto postgres = lab.places().postgres(db::lab_user());
  const auto admin = db::connect(postgres.conninfo_admin("pool_lab test"), 2s);
  return db::run_now(*admin, sql)[0][0].as<int>();
}

bool stands_still(pid_t pid) {
  const auto stat = text_of_file(fmt::format("/proc/{}/stat", pid));
  return stat && stat->find(") T ") != std::string::npos;
}

std::vector<Sight> sights() {
  return {
      {{"kill"}, [](const TestLab &lab) { return !lab.places().postgres(db::lab_user()).pid(); }},
      {{"freeze"},
       [](const TestLab &lab) {
         const auto pid = lab.places().postgres(db::lab_user()).pid();
         return pid && stands_still(*pid);
       }},
      {{"take", "7"},
       [](const TestLab &lab) {
         return asked(lab, "SELECT count(*) FROM pg_stat_activity WHERE usename = "
                           "'lab_neighbour' AND application_name = 'pool_lab taken'") == 7;
       }},
      {{"slow-connects", "300"},
       [](const TestLab &lab) { return lab.host().faults().contains("slow_connects"); }},
      {{"leak", "4"}, [](const TestLab &lab) { return lab.host().pool()["in_use"] == 4; }}};
}

class Faults : public testing::Test {
protected:
  static void SetUpTestSuite() { lab_ = std::make_unique<TestLab>(); }
  static void TearDownTestSuite() { lab_.reset(); }

  void SetUp() override {
    ASSERT_EQ(lab({"up"}).status, 0);
    ASSERT_EQ(lab({"use", "bounded_timeout"}).status, 0);
    ASSERT_TRUE(lab_->status()["faults"].empty());
  }

  static TestLab::Said lab(std::vector<std::string> arguments) {
    return lab_->lab(std::move(arguments));
  }

  // Started, and in force: it has said so.
  static db::Child begun(const Sight &sight, const std::string &seconds = "60") {
    std::vector<std::string> words = {"fault"};
    words.insert(words.end(), sight.command.begin(), sight.command.end());
    words.insert(words.end(), {"--seconds", seconds});
    db::Launch how = lab_->launch(words);
    how.out = db::Output::captured();
    db::Child child(how);
    EXPECT_TRUE(child.line(15s)) << sight.command.front() << " says when it has begun";
    return child;
  }

  // Undone, and the lab works.
  static void expect_undone(const Sight &sight, std::chrono::milliseconds within = 10s) {
    EXPECT_TRUE(eventually([&] { return !sight.seen(*lab_); }, within)) << sight.command.front();
    EXPECT_TRUE(eventually([&] { return lab_->status()["faults"].empty(); }));
    EXPECT_TRUE(eventually([&] { return lab_->host().health()["status"] == "ok"; }));
    EXPECT_EQ(lab({"psql", "--", "psql", "-AtXc", "SELECT 1"}).out, "1\n");
  }

  // What the page was told.
  static std::string told() {
    Poco::Net::HTTPClientSession session("127.0.0.1", lab_->port());
    Poco::Net::HTTPRequest request("GET", "/api/v1/events", Poco::Net::HTTPMessage::HTTP_1_1);
    request.set("Accept", "application/json");
    session.sendRequest(request);
    Poco::Net::HTTPResponse response;
    const json events = json::parse(session.receiveResponse(response)).at("events");
    std::string all;
    for (const json &event : events)
      if (event["event"] == "fault")
        all += event["data"]["what"].get<std::string>() + "\n";
    return all;
  }

  static std::unique_ptr<TestLab> lab_;
};

std::unique_ptr<TestLab> Faults::lab_;

TEST_F(Faults, EachIsSeenAndEndsWithItsTime) {
  for (const Sight &sight : sights()) {
    SCOPED_TRACE(sight.command.front());
    EXPECT_FALSE(sight.seen(*lab_));
    const auto start = std::chrono::steady_clock::now();
    db::Child child = begun(sight, "2");
    EXPECT_TRUE(sight.seen(*lab_));
    const json faults = lab_->status()["faults"];
    ASSERT_EQ(faults.size(), 1U) << faults.dump();
    EXPECT_EQ(faults[0]["name"], sight.command.front());
    EXPECT_EQ(faults[0]["pid"], child.pid());
    EXPECT_LE(faults[0]["seconds_left"], 2);
    EXPECT_THAT(lab({"status"}).out, HasSubstr("fault       " + sight.command.front() + ": "));
    const auto end = child.wait_for(20s);
    ASSERT_TRUE(end);
    EXPECT_EQ(end->status, 0);
    EXPECT_GE(std::chrono::steady_clock::now() - start, 2s);
    expect_undone(sight, 0ms);
  }
  const std::string all = told();
  // What the pool itself notices of the database is told in between, whenever it notices.
  const auto told_with_its_end = [&](const std::string &begin, const std::string &end) {
    const std::size_t at = all.find(begin + "\n");
    return at != std::string::npos && all.find(end + "\n", at) != std::string::npos;
  };
  EXPECT_TRUE(told_with_its_end("PostgreSQL is frozen", "PostgreSQL runs again")) << all;
  EXPECT_TRUE(told_with_its_end("PostgreSQL is down", "PostgreSQL runs again")) << all;
  EXPECT_TRUE(told_with_its_end("another application takes 7 connections",
                                "the connections are free again"))
      << all;
  EXPECT_TRUE(told_with_its_end("each new connection takes 300 ms longer",
                                "new connections are as quick as before"))
      << all;
  EXPECT_TRUE(told_with_its_end("4 connections leak", "the leaked connections are back")) << all;
}

TEST_F(Faults, EachIsUndoneByClearByCtrlCAndByTheAgentWhenItsCommandWasKilled) {
  for (const Sight &sight : sights()) {
    SCOPED_TRACE(sight.command.front());
    {
      db::Child child = begun(sight);
      ASSERT_TRUE(sight.seen(*lab_));
      std::vector<std::string> again = {"fault"};
      again.insert(again.end(), sight.command.begin(), sight.command.end());
      again.insert(again.end(), {"--seconds", "1"});
      EXPECT_EQ(lab(again).status, 64) << "one of a kind at a time";
      EXPECT_EQ(lab({"fault", "clear"}).status, 0);
      EXPECT_TRUE(child.wait_for(1s)) << "clear ends the command too";
      expect_undone(sight, 0ms);
    }
    {
      db::Child child = begun(sight);
      child.send(SIGINT);
      const auto end = child.wait_for(15s);
      ASSERT_TRUE(end);
      EXPECT_EQ(end->status, 130);
      expect_undone(sight, 0ms);
    }
    {
      db::Child child = begun(sight);
      ASSERT_TRUE(sight.seen(*lab_));
      child.send(SIGKILL);
      ASSERT_TRUE(child.wait_for(5s));
      const auto killed = std::chrono::steady_clock::now();
      EXPECT_TRUE(eventually([&] { return !sight.seen(*lab_); }));
      const auto took = std::chrono::steady_clock::now() - killed;
      fmt::print("{}: undone {} ms after its command was killed\n", sight.command.front(),
                 took / 1ms);
      // A kill is undone by a start of PostgreSQL.
      EXPECT_LT(took, sight.command.front() == "kill" ? 15s : 2s);
      expect_undone(sight);
    }
  }
}

TEST_F(Faults, UpUndoesWhatWasLeftWhenTheAgentIsGoneToo) {
  for (const Sight &sight : sights()) {
    SCOPED_TRACE(sight.command.front());
    db::Child child = begun(sight);
    ::kill(lab_->status()["agent_pid"].get<int>(), SIGKILL);
    child.send(SIGKILL);
    ASSERT_TRUE(child.wait_for(5s));
    EXPECT_TRUE(sight.seen(*lab_) || sight.command.front() == "take") << "nobody is left";
    ASSERT_EQ(lab({"up"}).status, 0);
    expect_undone(sight);
  }
}

TEST_F(Faults, TwoDifferentOnesMayOverlap) {
  const Sight take = sights()[2], leak = sights()[4];
  db::Child taking = begun(take);
  db::Child leaking = begun(leak);
  EXPECT_TRUE(take.seen(*lab_));
  EXPECT_TRUE(leak.seen(*lab_));
  EXPECT_EQ(json::parse(lab({"fault", "--json"}).out).size(), 2U);
  EXPECT_EQ(lab({"fault", "clear"}).status, 0);
  EXPECT_TRUE(taking.wait_for(1s));
  EXPECT_TRUE(leaking.wait_for(1s));
  expect_undone(take);
  expect_undone(leak);
}

TEST_F(Faults, AKillWithoutATimeStaysUntilClearOrUp) {
  const Sight kill = sights()[0];
  for (const char *undo : {"clear", "up"}) {
    ASSERT_EQ(lab({"fault", "kill"}).status, 0);
    EXPECT_TRUE(kill.seen(*lab_));
    EXPECT_THAT(lab({"fault"}).out, HasSubstr("kill: PostgreSQL was killed (until scripts/lab"));
    EXPECT_EQ(lab({"fault", "kill"}).status, 64);
    EXPECT_TRUE(kill.seen(*lab_)) << "the agent starts nothing by itself";
    ASSERT_EQ(undo == std::string("up") ? lab({"up"}).status : lab({"fault", "clear"}).status, 0);
    expect_undone(kill);
  }
}

TEST_F(Faults, DownIsDownThoughAKillWasToEndLater) {
  db::Child killing = begun(sights()[0], "3");
  ASSERT_EQ(lab({"down"}).status, 0);
  ASSERT_TRUE(killing.wait_for(20s));
  EXPECT_FALSE(lab_->places().postgres(db::lab_user()).pid());
  ASSERT_EQ(lab({"up"}).status, 0);
}

TEST_F(Faults, TakeSaysHowManyTheServerGave) {
  db::Launch how = lab_->launch({"fault", "take", "500", "--seconds", "60"});
  how.out = db::Output::captured();
  db::Child child(how);
  const auto line = child.line(30s);
  ASSERT_TRUE(line);
  EXPECT_THAT(*line, testing::MatchesRegex("another application takes 500 connections for 60 s; "
                                           "the server gave 9[0-9] of them"));
  EXPECT_THAT(lab({"psql", "--", "psql", "-AtXc", "SELECT 1"}).out,
              testing::Not(testing::Eq("1\n")))
      << "none is left for the job role";
  EXPECT_EQ(lab({"fault", "clear"}).status, 0);
  EXPECT_TRUE(child.wait_for(5s));
}

TEST_F(Faults, TerminateEndsBackendsOfTheHostsAndSaysHowMany) {
  db::Launch load = lab_->launch({"load", "hold", "--seconds", "6", "--warm-up", "0", "--json"});
  load.out = load.err = db::Output::discarded();
  db::Child loading(load);
  ASSERT_TRUE(eventually([&] { return lab_->host().pool()["in_use"] > 0; }));
  const int before = lab_->host().pool()["counts"]["closed"];
  const auto said = lab({"fault", "terminate", "--times", "5", "--seconds", "2"});
  EXPECT_EQ(said.status, 0) << said.err;
  EXPECT_THAT(said.out, HasSubstr("5 of 5 backends of the hosts were terminated\n"));
  EXPECT_TRUE(eventually([&] { return lab_->host().pool()["counts"]["closed"] >= before + 5; }));
  loading.send(SIGINT);
  EXPECT_TRUE(loading.wait_for(20s));
}

TEST_F(Faults, ALoadHasAnyOfThemInItsMiddle) {
  for (const FaultKind &kind : fault_kinds()) {
    SCOPED_TRACE(kind.name);
    const auto said =
        lab({"load", "hold", "--seconds", "3", "--warm-up", "0.5", "--fault", kind.name, "--json"});
    ASSERT_THAT(said.status, testing::AnyOf(0, 1, 2)) << said.err;
    const json summary = json::parse(said.out);
    EXPECT_EQ(summary["fault"]["name"], kind.name) << summary["guards"].dump();
    EXPECT_NEAR(summary["fault"]["from_s"].get<double>(), 1.5, 0.7);
    EXPECT_TRUE(lab_->status()["faults"].empty());
  }
  EXPECT_TRUE(eventually([&] { return lab_->host().health()["status"] == "ok"; }));
}

} // namespace
} // namespace lab::cli
