// The live driver under threads, with a real PostgreSQL: what was asked for ends
// once, the books balance, and what broke is not handed out again. Run under the
// sanitizers too.
#include "host/live_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <pqxx/connection_base>
#include <pqxx/nontransaction>

#include "db/jobs.hpp"
#include "db/statement.hpp"
#include "db/test_postgres.hpp"

namespace lab::host {
namespace {

using namespace std::chrono_literals;

pool::Plan plan_of(std::uint32_t max, pool::Duration wait) {
  pool::Plan plan;
  plan.max_in_use = max;
  plan.wait_timeout = wait;
  return plan;
}

TEST(LivePool, ThreadsPlansAndLostBackendsTogether) {
  const Clock clock;
  LivePool pool(clock, db::TestPostgres::shared().postgres().conninfo_jobs(), 1);
  pool.follow(plan_of(5, 500ms), true, false);

  std::atomic<bool> stop{false};
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::atomic<std::uint64_t> served{0};
  std::atomic<std::uint64_t> refused{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 24; ++i)
    clients.emplace_back([&] {
      while (!stop) {
        auto got = pool.acquire(clock.now() + 10s, "test");
        if (std::get_if<Refused>(&got) != nullptr) {
          ++refused;
          continue;
        }
        Lease &lease = std::get<Lease>(got);
        const int now_inside = ++inside;
        int seen = most;
        while (now_inside > seen && !most.compare_exchange_weak(seen, now_inside)) {
        }
        bool ok = true;
        try {
          (void)db::job_stats(lease.connection());
        } catch (const db::StatementError &) {
          ok = false; // its backend was ended
        }
        --inside;
        (void)lease.give_back(ok);
        ++served;
      }
    });

  const auto admin = db::TestPostgres::shared().connect_admin();
  for (int i = 0; i < 30; ++i) {
    pool.follow(plan_of(static_cast<std::uint32_t>(1 + i % 8), 200ms), i % 5 == 0, false);
    (void)pool.observe();
    if (i % 6 == 0) {
      pqxx::nontransaction end(admin->raw());
      end.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
               "WHERE application_name = 'pool_lab host' LIMIT 2");
    }
    const std::uint64_t before = served;
    while (served < before + 20)
      std::this_thread::yield();
  }
  stop = true;
  for (std::thread &client : clients)
    client.join();

  const LivePool::Snapshot end = pool.snapshot();
  const pool::Counts &n = end.counts;
  EXPECT_LE(most, 8);
  EXPECT_EQ(end.levels.in_use, 0U);
  EXPECT_EQ(end.levels.waiting, 0U);
  EXPECT_EQ(n.asked, n.served + n.timed_out + n.refused + n.cancelled + n.failed);
  EXPECT_EQ(n.connects, n.closed + end.levels.open);
  EXPECT_EQ(served, n.served + n.failed);
  EXPECT_EQ(refused, n.timed_out + n.refused);
}

TEST(LivePool, AWaiterIsRefusedAtItsDeadline) {
  const Clock clock;
  LivePool pool(clock, db::TestPostgres::shared().postgres().conninfo_jobs(), 1);
  pool.follow(plan_of(1, 100ms), true, false);
  auto first = pool.acquire(clock.now() + 10s, "test");
  ASSERT_TRUE(std::holds_alternative<Lease>(first));
  auto second = pool.acquire(clock.now() + 10s, "test");
  const Refused *refused = std::get_if<Refused>(&second);
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(refused->why, pool::Refusal::timed_out);
  EXPECT_GE(refused->waited, 100ms);
}

TEST(LivePool, ADeadIdleConnectionIsReplacedUnnoticed) {
  const Clock clock;
  LivePool pool(clock, db::TestPostgres::shared().postgres().conninfo_jobs(), 1);
  pool.follow(plan_of(1, 5s), true, false);
  int pid = 0;
  {
    auto got = pool.acquire(clock.now() + 10s, "test");
    Lease &lease = std::get<Lease>(got);
    pid = lease.connection().backend_pid();
    (void)lease.give_back(true);
  }
  const auto admin = db::TestPostgres::shared().connect_admin();
  pqxx::nontransaction end(admin->raw());
  end.exec("SELECT pg_terminate_backend(" + std::to_string(pid) + ", 5000)");
  auto got = pool.acquire(clock.now() + 10s, "test");
  ASSERT_TRUE(std::holds_alternative<Lease>(got));
  Lease &lease = std::get<Lease>(got);
  EXPECT_NE(lease.connection().backend_pid(), pid);
  EXPECT_NO_THROW((void)db::job_stats(lease.connection()));
  (void)lease.give_back(true);
}

} // namespace
} // namespace lab::host
