#include "db/jobs.hpp"
#include "db/lab_work.hpp"
#include "db/statement.hpp"
#include "db/test_postgres.hpp"

#include <chrono>
#include <future>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace lab::db {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

class JobsTest : public ::testing::Test {
protected:
  void SetUp() override { execute("TRUNCATE jobs RESTART IDENTITY"); }

  void execute(const std::string &sql) {
    running(*admin, Effect::nothing, [&] {
      pqxx::nontransaction autocommit(admin->raw());
      autocommit.exec(sql);
    });
  }
  std::int64_t number(const std::string &sql) {
    return running(*admin, Effect::nothing, [&] {
      pqxx::nontransaction autocommit(admin->raw());
      return autocommit.exec(sql)[0][0].as<std::int64_t>();
    });
  }

  TestPostgres &server = TestPostgres::shared();
  std::unique_ptr<Connection> admin = server.connect_admin();
  std::unique_ptr<Connection> connection = server.connect_jobs();
};

TEST_F(JobsTest, AJobComesBackAsItWasGiven) {
  const auto job = insert_job(*connection, {"generate_report", R"({"pages": [1, "zwölf"]})", -3});
  EXPECT_EQ(job.id, 1);
  EXPECT_EQ(job.type, "generate_report");
  EXPECT_EQ(job.payload, R"({"pages": [1, "zwölf"]})");
  EXPECT_EQ(job.status, "pending");
  EXPECT_EQ(job.priority, -3);
  EXPECT_EQ(job.created_at, job.updated_at);
  EXPECT_EQ(insert_job(*connection, {"send_email"}).payload, "{}");
}

TEST_F(JobsTest, TimesAreIsoInUtcWhateverTheServersZone) {
  execute("ALTER ROLE lab_jobs SET timezone = 'Asia/Kolkata'");
  const auto elsewhere = server.connect_jobs();
  execute("ALTER ROLE lab_jobs RESET timezone");
  const auto before = number("SELECT extract(epoch FROM now())::bigint");
  const auto job = insert_job(*elsewhere, {"send_email"});
  std::string shape = job.created_at;
  for (char &c : shape)
    if (c >= '0' && c <= '9')
      c = '0';
  EXPECT_EQ(shape, "0000-00-00T00:00:00.000Z");
  const auto stated =
      number("SELECT extract(epoch FROM '" + job.created_at + "'::timestamptz)::bigint");
  EXPECT_LE(std::abs(stated - before), 10);
}

TEST_F(JobsTest, TheHighestPriorityIsClaimedFirstThenTheOldest) {
  execute("INSERT INTO jobs (type, priority, created_at) VALUES "
          "('send_email', 1, now() - interval '3 h'), ('send_email', 5, now()), "
          "('send_email', 5, now() - interval '1 h'), ('send_email', 1, now() - interval '4 h')");
  std::vector<std::int64_t> order;
  while (const auto job = claim_next_job(*connection)) {
    EXPECT_EQ(job->status, "processing");
    order.push_back(job->id);
  }
  EXPECT_EQ(order, (std::vector<std::int64_t>{3, 2, 4, 1}));
  EXPECT_EQ(claim_next_job(*connection), std::nullopt);
}

TEST_F(JobsTest, NoJobIsClaimedTwiceAndNoClaimerWaitsForAnother) {
  execute("INSERT INTO jobs (type) SELECT 'send_email' FROM generate_series(1, 200)");
  // One claimer holds a job in an open transaction all the time.
  pqxx::work holding(admin->raw());
  holding.exec("SELECT FROM jobs WHERE id = 1 FOR UPDATE");
  std::vector<std::future<std::vector<std::int64_t>>> claimers;
  for (int i = 0; i < 4; ++i)
    claimers.push_back(std::async(std::launch::async, [this] {
      const auto mine = server.connect_jobs();
      std::vector<std::int64_t> ids;
      while (const auto job = claim_next_job(*mine))
        ids.push_back(job->id);
      return ids;
    }));
  std::multiset<std::int64_t> claimed;
  for (auto &claimer : claimers)
    for (const auto id : claimer.get())
      claimed.insert(id);
  holding.abort();
  EXPECT_EQ(claimed.size(), 199u);
  EXPECT_EQ(std::set<std::int64_t>(claimed.begin(), claimed.end()).size(), 199u);
  EXPECT_FALSE(claimed.contains(1));
}

TEST_F(JobsTest, AStatusIsSetAndCounted) {
  for (int i = 0; i < 4; ++i)
    insert_job(*connection, {"send_email"});
  claim_next_job(*connection);
  EXPECT_EQ(set_job_status(*connection, 2, "done")->status, "done");
  EXPECT_EQ(set_job_status(*connection, 3, "failed")->status, "failed");
  EXPECT_EQ(set_job_status(*connection, 99, "done"), std::nullopt);
  const auto stats = job_stats(*connection);
  EXPECT_EQ(stats.pending, 1);
  EXPECT_EQ(stats.processing, 1);
  EXPECT_EQ(stats.done, 1);
  EXPECT_EQ(stats.failed, 1);
}

TEST_F(JobsTest, TheNextJobIsFoundThroughTheIndex) {
  server.postgres().reset();
  const auto plan = running(*admin, Effect::nothing, [&] {
    pqxx::nontransaction autocommit(admin->raw());
    std::string lines;
    for (const auto &row :
         autocommit.exec("EXPLAIN SELECT id FROM jobs WHERE status = 'pending' "
                         "ORDER BY priority DESC, created_at, id FOR UPDATE SKIP LOCKED LIMIT 1"))
      lines += row[0].c_str();
    return lines;
  });
  EXPECT_NE(plan.find("Index Scan using jobs_next"), std::string::npos) << plan;
}

TEST_F(JobsTest, HoldingHoldsTheConnectionAndThenCommits) {
  const auto start = Clock::now();
  hold_submit(*connection, {"send_email", "{}", 2}, 60ms);
  EXPECT_GE(Clock::now() - start, 60ms);
  EXPECT_TRUE(connection->clean());
  EXPECT_EQ(job_stats(*connection).pending, 1);

  EXPECT_TRUE(hold_claim(*connection, 0ms));
  EXPECT_EQ(job_stats(*connection).done, 1);
  const auto nothing_left = Clock::now();
  EXPECT_FALSE(hold_claim(*connection, 60ms));
  EXPECT_GE(Clock::now() - nothing_left, 60ms);
}

TEST_F(JobsTest, ContendersForOneRowTakeTurns) {
  execute("UPDATE workers SET jobs_processed = 0");
  std::vector<std::future<void>> users;
  for (int i = 0; i < 4; ++i)
    users.push_back(std::async(std::launch::async, [this] {
      const auto mine = server.connect_jobs();
      for (int k = 0; k < 10; ++k)
        contend(*mine, 2);
    }));
  for (auto &user : users)
    user.get();
  EXPECT_EQ(number("SELECT jobs_processed FROM workers WHERE id = 2"), 40);
  EXPECT_EQ(job_stats(*connection).pending, 40);

  // While another holds the row, it waits.
  pqxx::work holding(admin->raw());
  holding.exec("UPDATE workers SET jobs_processed = 0 WHERE id = 3");
  auto waiting = std::async(std::launch::async, [this] { contend(*connection, 3); });
  EXPECT_EQ(waiting.wait_for(100ms), std::future_status::timeout);
  holding.commit();
  waiting.get();
}

TEST_F(JobsTest, ATouchUpdatesItsOwnPartAndWaitsForNobodyElses) {
  for (int i = 0; i < 25; ++i)
    insert_job(*connection, {"send_email"});
  pqxx::work holding(admin->raw()); // rows 1 to 10, until the end
  holding.exec("UPDATE jobs SET priority = 9 WHERE id <= 10");
  EXPECT_EQ(touch_own(*connection, 1, 10), 10);
  EXPECT_EQ(touch_own(*connection, 2, 10), 5) << "no more are there";
  EXPECT_EQ(touch_own(*connection, 3, 10), 0);
  holding.commit();
  EXPECT_EQ(number("SELECT count(*) FROM jobs WHERE updated_at > created_at"), 15);
}

} // namespace
} // namespace lab::db
