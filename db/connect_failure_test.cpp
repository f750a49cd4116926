// Each way in which a real server, or none, refuses a connect.
#include "db/connect_failure.hpp"
#include "db/connection.hpp"
#include "db/faults.hpp"
#include "db/test_postgres.hpp"

#include <chrono>
#include <csignal>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace lab::db {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

ConnectError refusal_of(const std::string &conninfo, std::chrono::milliseconds limit = 10s) {
  try {
    connect(conninfo, limit);
  } catch (const ConnectRefused &e) {
    EXPECT_EQ(e.what(), explained(e.error));
    EXPECT_EQ(explained(e.error).find('\n'), std::string::npos) << e.what();
    return e.error;
  }
  ADD_FAILURE() << "it was let in";
  return {};
}

class ConnectFailureTest : public ::testing::Test {
protected:
  // Whatever a test did to the server.
  void TearDown() override { postgres.start(); }

  PrivatePostgres &postgres = TestPostgres::shared().postgres();
};

// ("Too many connections" stands in connection_test.cpp: it needs all of them.)
TEST_F(ConnectFailureTest, AWrongLoginIsTold) {
  const auto wrong = refusal_of(postgres.conninfo_jobs() + " password=wr0ng-secret");
  EXPECT_EQ(wrong.kind, ConnectFailure::wrong_login) << wrong.message;
  EXPECT_EQ(wrong.message.find("wr0ng-secret"), std::string::npos);
  EXPECT_NE(explained(wrong).find("; look at user and password"), std::string::npos);
  const auto nobody = refusal_of(postgres.conninfo_jobs() + " user=nobody password=x");
  EXPECT_EQ(nobody.kind, ConnectFailure::wrong_login) << nobody.message;
}

TEST_F(ConnectFailureTest, AMissingPasswordIsTold) {
  const auto error = refusal_of(postgres.conninfo_jobs() + " passfile=/nowhere/at/all");
  EXPECT_EQ(error.kind, ConnectFailure::no_password) << error.message;
}

TEST_F(ConnectFailureTest, AnAbsentDatabaseIsTold) {
  const auto error = refusal_of(postgres.conninfo_jobs() + " dbname=nothing");
  EXPECT_EQ(error.kind, ConnectFailure::no_such_database) << error.message;
  EXPECT_NE(error.message.find("\"nothing\""), std::string::npos) << error.message;
}

TEST_F(ConnectFailureTest, NobodyListeningIsTold) {
  const auto nowhere = refusal_of("host='/nowhere at all' user=x dbname=x");
  EXPECT_EQ(nowhere.kind, ConnectFailure::nobody_listens) << nowhere.message;
  const auto no_port = refusal_of("host=127.0.0.1 port=1 user=x dbname=x");
  EXPECT_EQ(no_port.kind, ConnectFailure::nobody_listens) << no_port.message;
  EXPECT_NE(explained(no_port).find("; start PostgreSQL"), std::string::npos);
  kill_server(postgres);
  const auto killed = refusal_of(postgres.conninfo_jobs());
  EXPECT_EQ(killed.kind, ConnectFailure::nobody_listens) << killed.message;
  // What libpq itself refuses says nothing of who listens.
  const auto nonsense = refusal_of("host=127.0.0.1 port=1 user=x dbname=x sslmode=nonsense");
  EXPECT_EQ(nonsense.kind, ConnectFailure::other) << nonsense.message;
}

// "Smart" shutdown: who is in may stay, nobody else gets in.
TEST_F(ConnectFailureTest, AServerThatShutsDownIsTold) {
  auto inside = connect(postgres.conninfo_admin("stays"), 5s);
  const pid_t postmaster = postgres.pid().value();
  ::kill(postmaster, SIGTERM);
  ConnectError error;
  for (const auto deadline = Clock::now() + 10s; Clock::now() < deadline;) {
    try {
      connect(postgres.conninfo_jobs(), 5s); // it has not heard the signal yet
    } catch (const ConnectRefused &e) {
      error = e.error;
      break;
    }
  }
  EXPECT_EQ(error.kind, ConnectFailure::not_ready) << error.message;
  EXPECT_NE(explained(error).find("shutting down; wait"), std::string::npos) << explained(error);
  inside.reset();
  for (const auto deadline = Clock::now() + 20s; postgres.pid() && Clock::now() < deadline;)
    std::this_thread::sleep_for(10ms); // between two looks at a condition
  EXPECT_FALSE(postgres.pid());
}

TEST_F(ConnectFailureTest, NoAnswerInTimeIsTold) {
  const Freeze frozen(postgres);
  const auto error = refusal_of(postgres.conninfo_jobs(), 200ms);
  EXPECT_EQ(error.kind, ConnectFailure::no_answer) << error.message;
}

TEST(ConnectFailureNames, AreAllDifferentAndAllThere) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < connect_failures.size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(connect_failures[i]), i) << "counts are kept by this";
    names.insert(name_of(connect_failures[i]));
  }
  EXPECT_EQ(names.size(), connect_failures.size());
}

TEST(SqlstateIn, IsTheLastServersOrNone) {
  EXPECT_EQ(sqlstate_in(""), "");
  EXPECT_EQ(sqlstate_in("connection to server on socket \"/a:  b: c\" failed: no"), "");
  EXPECT_EQ(sqlstate_in("... failed: FATAL:  57P03: the database system is starting up"), "57P03");
  EXPECT_EQ(sqlstate_in("a failed: FATAL:  57P03: starting\nb failed: FATAL:  28P01: no: x"),
            "28P01");
}

} // namespace
} // namespace lab::db
