#include "db/connection.hpp"
#include "db/jobs.hpp"
#include "db/lab_work.hpp"
#include "db/statement.hpp"
#include "db/test_postgres.hpp"

#include <chrono>
#include <cstdlib>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <malloc.h>

#include <gtest/gtest.h>

namespace lab::db {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Kind = StatementError::Kind;

// What a piece of work throws.
StatementError error_of(const std::function<void()> &work) {
  try {
    work();
  } catch (const StatementError &e) {
    return e;
  }
  throw std::logic_error("nothing was thrown");
}

bool becomes_true(const std::function<bool()> &condition, Clock::duration limit = 10s) {
  for (const auto deadline = Clock::now() + limit; Clock::now() < deadline;) {
    if (condition())
      return true;
    std::this_thread::sleep_for(5ms);
  }
  return false;
}

std::string answer(Connection &connection, const std::string &sql) {
  return running(connection, Effect::nothing, [&] {
    pqxx::nontransaction autocommit(connection.raw());
    return std::string(autocommit.exec(sql)[0][0].c_str());
  });
}

class ConnectionTest : public ::testing::Test {
protected:
  TestPostgres &server = TestPostgres::shared();
  std::unique_ptr<Connection> admin = server.connect_admin();

  void terminate(const Connection &connection) {
    ASSERT_EQ(answer(*admin, "SELECT pg_terminate_backend(" +
                                 std::to_string(connection.backend_pid()) + ", 5000)"),
              "t");
  }
  std::string backends_of(const std::string &application) {
    return answer(*admin, "SELECT count(*) FROM pg_stat_activity WHERE application_name = '" +
                              application + "'");
  }
};

TEST_F(ConnectionTest, TellsWhoItIsAndSetsItsSessionUpWhileConnecting) {
  const auto connection = server.connect_jobs("someone");
  EXPECT_EQ(answer(*connection, "SELECT pg_backend_pid()"),
            std::to_string(connection->backend_pid()));
  EXPECT_EQ(answer(*connection, "SHOW application_name"), "someone");
  EXPECT_EQ(answer(*connection, "SHOW statement_timeout"), "30s");
  EXPECT_EQ(answer(*connection, "SHOW client_connection_check_interval"), "500ms");
  EXPECT_TRUE(connection->alive());
  EXPECT_TRUE(connection->clean());
  EXPECT_GE(connection->socket(), 0);
}

TEST_F(ConnectionTest, NeverConnectsAgain) {
  const auto connection = server.connect_jobs("never again");
  job_stats(*connection);
  terminate(*connection);
  for (int use = 0; use < 4; ++use) {
    EXPECT_EQ(error_of([&] { job_stats(*connection); }).kind, Kind::lost);
    EXPECT_FALSE(connection->alive());
    EXPECT_FALSE(connection->clean());
  }
  EXPECT_EQ(error_of([&] { hold_submit(*connection, {"send_email"}, 0ms); }).kind, Kind::lost);
  EXPECT_EQ(backends_of("never again"), "0");
}

// Without its sanitizer the C library tells how much is in use.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_F(ConnectionTest, LeavesNoMemoryBehindHoweverOftenOneIsLost) {
  const auto lose_one = [&] {
    const auto connection = server.connect_jobs();
    job_stats(*connection);
    terminate(*connection);
    EXPECT_EQ(error_of([&] { job_stats(*connection); }).kind, Kind::lost);
  };
  for (int warm_up = 0; warm_up < 10; ++warm_up)
    lose_one();
  const auto before = ::mallinfo2().uordblks;
  for (int lost = 0; lost < 60; ++lost)
    lose_one();
  EXPECT_LT(::mallinfo2().uordblks, before + 60 * 1000) << "a result is more than 2,000 bytes";
}
#endif

TEST_F(ConnectionTest, SeesAtRestThatItIsDead) {
  const auto connection = server.connect_jobs();
  job_stats(*connection);
  EXPECT_TRUE(connection->alive());
  terminate(*connection);
  EXPECT_TRUE(becomes_true([&] { return !connection->alive(); }));
}

TEST_F(ConnectionTest, AHarmlessNoticeIsNoDeath) {
  const auto connection = server.connect_jobs();
  answer(*connection, "SELECT 1");
  // A changed setting is reported to the sessions that use it, also at rest.
  answer(*admin, "SELECT pg_reload_conf()");
  running(*connection, Effect::nothing, [&] {
    pqxx::nontransaction autocommit(connection->raw());
    autocommit.exec("DO $$ BEGIN RAISE WARNING 'harmless'; END $$");
  });
  EXPECT_TRUE(connection->alive());
  EXPECT_EQ(answer(*connection, "SELECT 1"), "1");
}

TEST_F(ConnectionTest, ALostReadIsLostAndALostWriteIsInDoubt) {
  const auto reading = server.connect_jobs();
  job_stats(*reading);
  terminate(*reading);
  EXPECT_EQ(error_of([&] { job_stats(*reading); }).kind, Kind::lost);

  const auto writing = server.connect_jobs();
  insert_job(*writing, {"send_email"}); // prepares it: the next call sends the write at once
  terminate(*writing);
  const auto error = error_of([&] { insert_job(*writing, {"send_email"}); });
  EXPECT_EQ(error.kind, Kind::in_doubt);
  EXPECT_EQ(error.sqlstate, "");
  EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);

  // This one never got as far as sending its write.
  const auto unprepared = server.connect_jobs();
  terminate(*unprepared);
  EXPECT_EQ(error_of([&] { insert_job(*unprepared, {"send_email"}); }).kind, Kind::lost);
}

TEST_F(ConnectionTest, ATransactionIsInDoubtOnlyInItsCommit) {
  const auto connection = server.connect_jobs();
  const auto error = error_of([&] {
    running(*connection, Effect::nothing, [&] {
      pqxx::work transaction(connection->raw());
      transaction.exec("UPDATE workers SET jobs_processed = jobs_processed WHERE id = 1");
      terminate(*connection);
      transaction.commit();
    });
  });
  EXPECT_EQ(error.kind, Kind::in_doubt);

  const auto early = server.connect_jobs();
  const auto lost = error_of([&] {
    running(*early, Effect::nothing, [&] {
      pqxx::work transaction(early->raw());
      transaction.exec("UPDATE workers SET jobs_processed = jobs_processed WHERE id = 1");
      terminate(*early);
      transaction.exec("SELECT 1");
      transaction.commit();
    });
  });
  EXPECT_EQ(lost.kind, Kind::lost);
}

TEST_F(ConnectionTest, WhatTheServerRefusesLeavesTheConnectionFine) {
  const auto connection = server.connect_jobs();
  const auto slow = error_of([&] {
    running(*connection, Effect::nothing, [&] {
      pqxx::work transaction(connection->raw());
      transaction.exec("SET LOCAL statement_timeout = '20ms'");
      transaction.exec("SELECT pg_sleep(10)");
    });
  });
  EXPECT_EQ(slow.kind, Kind::query);
  EXPECT_EQ(slow.sqlstate, "57014");
  EXPECT_TRUE(connection->alive());
  EXPECT_TRUE(connection->clean());

  const auto unstorable = error_of([&] { insert_job(*connection, {"send_email", R"("\u0000")"}); });
  EXPECT_EQ(unstorable.kind, Kind::bad_input);
  EXPECT_EQ(unstorable.sqlstate, "22P05");
  const auto no_json = error_of([&] { insert_job(*connection, {"send_email", "{"}); });
  EXPECT_EQ(no_json.kind, Kind::bad_input);
  const auto no_such_type = error_of([&] { insert_job(*connection, {"make_tea"}); });
  EXPECT_EQ(no_such_type.kind, Kind::query);
  EXPECT_EQ(no_such_type.sqlstate, "23514");
  EXPECT_EQ(insert_job(*connection, {"send_email"}).status, "pending");
}

TEST_F(ConnectionTest, ADeadlockIsTheServersNo) {
  const auto one = server.connect_jobs(), other = server.connect_jobs();
  const auto update = [](int row) {
    return "UPDATE workers SET jobs_processed = jobs_processed WHERE id = " + std::to_string(row);
  };
  std::promise<void> both_hold_one;
  auto held = both_hold_one.get_future();
  const auto crossing = [&](Connection &connection, int first, int second, auto meet) {
    return [&connection, first, second, meet, update]() -> std::string {
      try {
        running(connection, Effect::nothing, [&] {
          pqxx::work transaction(connection.raw());
          transaction.exec(update(first));
          meet();
          transaction.exec(update(second));
          transaction.commit();
        });
      } catch (const StatementError &e) {
        EXPECT_EQ(e.kind, Kind::query);
        EXPECT_TRUE(connection.alive());
        return e.sqlstate;
      }
      return "";
    };
  };
  std::promise<void> other_holds;
  auto other_held = other_holds.get_future();
  auto ended = std::async(std::launch::async, crossing(*other, 2, 1, [&] {
                            other_holds.set_value();
                            held.wait();
                          }));
  const auto mine = crossing(*one, 1, 2, [&] {
    other_held.wait();
    both_hold_one.set_value();
  })();
  EXPECT_EQ(mine + ended.get(), "40P01"); // one of the two, and only one
}

TEST_F(ConnectionTest, AShutSocketEndsTheStatementAndSoonTheBackend) {
  const auto connection = server.connect_jobs("to be shut");
  auto asleep = std::async(std::launch::async, [&] {
    return error_of([&] { hold_submit(*connection, {"send_email"}, 20s); }).kind;
  });
  ASSERT_TRUE(becomes_true([&] {
    return answer(*admin, "SELECT count(*) FROM pg_stat_activity WHERE application_name = "
                          "'to be shut' AND wait_event = 'PgSleep'") == "1";
  }));
  const auto start = Clock::now();
  connection->shut();
  EXPECT_EQ(asleep.get(), Kind::lost);
  EXPECT_LT(Clock::now() - start, 1s);
  EXPECT_FALSE(connection->alive());
  EXPECT_TRUE(becomes_true([&] { return backends_of("to be shut") == "0"; }, 5s));
  connection->shut(); // once more does nothing
}

TEST_F(ConnectionTest, TheCeilingIsToldApartFromOtherRefusals) {
  std::vector<std::unique_ptr<Connection>> all;
  ConnectError error;
  try {
    for (int i = 0; i < 200; ++i)
      all.push_back(server.connect_jobs("ceiling"));
  } catch (const ConnectRefused &e) {
    error = e.error;
  }
  EXPECT_EQ(error.kind, ConnectFailure::too_many_connections) << error.message;
  EXPECT_EQ(error.message.find('\n'), std::string::npos);
  EXPECT_GE(all.size(), 90u);

  // A superuser enters on the reserve.
  EXPECT_NO_THROW(server.connect_admin());
  all.clear();
  EXPECT_TRUE(becomes_true([&] { return backends_of("ceiling") == "0"; }));

  const auto refusal_of = [](const std::string &conninfo) {
    try {
      connect(conninfo, 5s);
    } catch (const ConnectRefused &e) {
      return e.error;
    }
    return ConnectError{};
  };
  const auto absent = refusal_of("host='/nowhere at all' user=x dbname=x");
  EXPECT_EQ(absent.kind, ConnectFailure::nobody_listens);
  EXPECT_NE(absent.message.find("/nowhere at all"), std::string::npos);
  const auto wrong = refusal_of(server.postgres().conninfo_jobs() + " password=wr0ng-secret");
  EXPECT_EQ(wrong.kind, ConnectFailure::wrong_login);
  EXPECT_NE(wrong.message.find("password authentication failed"), std::string::npos);
  EXPECT_EQ(wrong.message.find("wr0ng-secret"), std::string::npos);
  const auto unreadable = refusal_of("postgresql://u:s3cret@[::1");
  EXPECT_EQ(unreadable.kind, ConnectFailure::other);
  EXPECT_EQ(unreadable.message.find("s3cret"), std::string::npos);
}

TEST_F(ConnectionTest, TheEnvironmentHasNoSay) {
  const std::vector<std::pair<const char *, const char *>> variables = {
      {"PGHOST", "/nowhere"},
      {"PGHOSTADDR", "192.0.2.1"},
      {"PGPORT", "1"},
      {"PGUSER", "nobody"},
      {"PGPASSWORD", "wrong"},
      {"PGDATABASE", "nothing"},
      {"PGPASSFILE", "/nowhere"},
      {"PGOPTIONS", "-c statement_timeout=1"},
      {"PGSSLMODE", "require"},
      {"PGAPPNAME", "stranger"},
      {"PGCONNECT_TIMEOUT", "x"},
      {"PGCLIENTENCODING", "SQL"},
      {"PGTARGETSESSIONATTRS", "standby"},
      {"DATABASE_URL", "postgresql://nowhere/"}};
  for (const auto &[name, value] : variables)
    ::setenv(name, value, 1);
  EXPECT_EQ(answer(*server.connect_jobs(), "SELECT current_user"), "lab_jobs");

  // Some come in by the back door: for those a program clears its environment.
  ::setenv("PGSERVICE", "no such service", 1);
  ::setenv("PGTZ", "Mars/Phobos", 1);
  ignore_pg_environment();
  for (const auto &[name, value] : variables)
    EXPECT_EQ(std::getenv(name), nullptr) << name;
  EXPECT_EQ(answer(*server.connect_jobs(), "SELECT current_user"), "lab_jobs");
}

} // namespace
} // namespace lab::db
