#include "db/lab_work.hpp"
#include "db/statement.hpp"
#include "db/statement_timeout.hpp"
#include "db/test_postgres.hpp"

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace lab::db {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

StatementError error_of(const std::function<void()> &work) {
  try {
    work();
  } catch (const StatementError &e) {
    return e;
  }
  throw std::logic_error("nothing was thrown");
}

std::string answer(Connection &connection, const std::string &sql) {
  return running(connection, Effect::nothing, [&] {
    pqxx::nontransaction autocommit(connection.raw());
    return std::string(autocommit.exec(sql)[0][0].c_str());
  });
}

TEST(StatementTimeoutIn, IsTheLastOneStated) {
  EXPECT_EQ(statement_timeout_in(""), 0ms);
  EXPECT_EQ(statement_timeout_in("-c work_mem=4MB"), 0ms);
  EXPECT_EQ(statement_timeout_in("-c statement_timeout=30000"), 30s);
  EXPECT_EQ(statement_timeout_in("-c statement_timeout=30000 -c statement_timeout=150ms"), 150ms);
  EXPECT_EQ(statement_timeout_in("-cStatement_Timeout=2s"), 2s);
  EXPECT_EQ(statement_timeout_in("--statement-timeout=0.5min"), 30s);
  EXPECT_EQ(statement_timeout_in("-c statement_timeout=1\\ h"), 1h);
  EXPECT_EQ(statement_timeout_in("-c statement_timeout=5s -c statement_timeout=0"), 0ms);
  EXPECT_EQ(statement_timeout_in("-c"), 0ms);
  EXPECT_EQ(statement_timeout_in("-c lock_timeout=1s"), 0ms);
}

TEST(WhyEnded, GoesByHowLongItRan) {
  EXPECT_EQ(why_ended(30s, 30s), "the statement ran longer than 30 s (statement timeout)");
  EXPECT_EQ(why_ended(151ms, 150ms), "the statement ran longer than 150 ms (statement timeout)");
  EXPECT_EQ(why_ended(29s, 30s), "somebody cancelled the statement");
  EXPECT_EQ(why_ended(1h, 0ms), "somebody cancelled the statement");
}

class EndedStatement : public ::testing::Test {
protected:
  TestPostgres &server = TestPostgres::shared();
  std::unique_ptr<Connection> admin = server.connect_admin();

  std::unique_ptr<Connection> with_timeout(const std::string &timeout, const std::string &name) {
    return connect(server.postgres().conninfo_jobs(name) +
                       " options='-c statement_timeout=" + timeout + "'",
                   5s);
  }
  // Waits until that session sleeps in the server, then cancels its statement.
  void cancel(const Connection &connection) {
    const std::string pid = std::to_string(connection.backend_pid());
    const auto deadline = Clock::now() + 10s;
    while (answer(*admin, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' "
                          "AND pid = " +
                              pid) != "1") {
      ASSERT_LT(Clock::now(), deadline);
      std::this_thread::sleep_for(5ms); // between two looks at a condition
    }
    answer(*admin, "SELECT pg_cancel_backend(" + pid + ")");
  }
};

TEST_F(EndedStatement, ByItsTimeoutSaysSoAndWhichOne) {
  const auto connection = with_timeout("150ms", "short timeout");
  EXPECT_EQ(connection->statement_timeout(), 150ms);
  const auto error = error_of([&] { hold_submit(*connection, {"send_email"}, 20s); });
  EXPECT_EQ(error.kind, StatementError::Kind::query);
  EXPECT_EQ(error.sqlstate, "57014");
  EXPECT_STREQ(error.what(), "the statement ran longer than 150 ms (statement timeout)");
  EXPECT_TRUE(connection->clean());
}

TEST_F(EndedStatement, BySomebodySaysThat) {
  const auto connection = server.connect_jobs("to be cancelled");
  EXPECT_EQ(connection->statement_timeout(), 30s);
  auto asleep = std::async(std::launch::async, [&] {
    return error_of([&] { hold_submit(*connection, {"send_email"}, 20s); });
  });
  cancel(*connection);
  const auto error = asleep.get();
  EXPECT_EQ(error.kind, StatementError::Kind::query);
  EXPECT_EQ(error.sqlstate, "57014");
  EXPECT_STREQ(error.what(), "somebody cancelled the statement");
  EXPECT_TRUE(connection->clean());
}

// Each statement has the timeout to itself: what came before it in its transaction
// doesn't count.
TEST_F(EndedStatement, BySomebodyLateInALongTransactionIsNoTimeout) {
  const auto connection = with_timeout("1s", "long transaction");
  const Statement nap{"nap", "SELECT pg_sleep(0.4)"}, sleep{"sleep", "SELECT pg_sleep(20)"};
  prepare(*connection, nap);
  prepare(*connection, sleep);
  std::promise<void> naps_are_over;
  auto asleep = std::async(std::launch::async, [&] {
    return error_of([&] {
      running(*connection, Effect::nothing, [&] {
        pqxx::work transaction(connection->raw());
        for (int i = 0; i < 3; ++i) // 1.2 s, and each well below its timeout
          run_in(transaction, *connection, nap);
        naps_are_over.set_value();
        run_in(transaction, *connection, sleep);
      });
    });
  });
  naps_are_over.get_future().wait();
  cancel(*connection);
  EXPECT_STREQ(asleep.get().what(), "somebody cancelled the statement");
}

} // namespace
} // namespace lab::db
