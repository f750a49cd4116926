// The live driver under threads, with a real PostgreSQL: what was asked for ends
// once, the books balance, and what broke is not handed out again. Run under the
// sanitizers too.
#include "host/live_pool.hpp"
#include "host/test_waiting.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <pqxx/connection_base>
#include <pqxx/nontransaction>

#include "db/jobs.hpp"
#include "db/lab_work.hpp"
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

// A client's connection, seen from both ends.
class Client {
public:
  Client() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
      throw std::runtime_error("no socket pair");
    ours_ = ends[0];
    theirs_ = ends[1];
  }
  ~Client() {
    ::close(ours_);
    close();
  }
  Client(const Client &) = delete;
  Client &operator=(const Client &) = delete;

  Caller caller() const { return {ours_}; }
  void close() {
    if (theirs_ >= 0)
      ::close(theirs_);
    theirs_ = -1;
  }
  void half_close() { ::shutdown(theirs_, SHUT_WR); }

private:
  int ours_ = -1;
  int theirs_ = -1;
};

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

TEST(LivePool, ALateVerdictDoesNotMeetTheNextRequestOfItsThread) {
  const Clock clock;
  LivePool pool(clock, db::TestPostgres::shared().postgres().conninfo_jobs(), 1);
  pool.follow(plan_of(1, 60s), true, true);
  auto holder = pool.acquire(clock.now() + 60s, "holder");
  ASSERT_TRUE(std::holds_alternative<Lease>(holder));
  std::atomic<bool> told{false};
  std::vector<pool::WaitingRequest> asked; // of the first request alone
  pool.on_ask([&told] { told = true; });
  std::atomic<int> ended{0};
  std::optional<pool::Refusal> second;
  std::thread thread([&] {
    (void)pool.acquire(clock.now() + 60s, "first"); // times out
    ++ended;
    while (ended < 2)
      std::this_thread::yield();
    auto got = pool.acquire(clock.now() + 60s, "second");
    if (const auto *refused = std::get_if<Refused>(&got))
      second = refused->why;
  });
  ASSERT_TRUE(comes_true([&] { return told.load(); }));
  asked = pool.take_asks();
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_TRUE(pool.waits(asked.front().request));
  pool.follow(plan_of(1, 1ms), false, true);
  ASSERT_TRUE(comes_true([&] { return ended == 1; }));
  pool.follow(plan_of(1, 60s), false, true);
  ++ended;
  ASSERT_TRUE(comes_true([&] { return pool.snapshot().levels.waiting == 1; }));
  EXPECT_FALSE(pool.waits(asked.front().request)) << "another waits";
  pool.admitted(asked.front().request, {.kind = pool::Verdict::Kind::refuse});
  EXPECT_EQ(pool.snapshot().levels.waiting, 1U);
  (void)std::get<Lease>(holder).give_back(true);
  thread.join();
  EXPECT_FALSE(second) << "it was served";
}

TEST(LivePool, AQuietPoolIsAsPunctual) {
  const Clock clock;
  LivePool pool(clock, db::TestPostgres::shared().postgres().conninfo_jobs(), 1);
  pool.follow(plan_of(1, 60s), true, false);
  auto holder = pool.acquire(clock.now() + 60s, "holder");
  ASSERT_TRUE(std::holds_alternative<Lease>(holder));
  pool.follow(plan_of(1, 10ms), true, false);
  // Nothing else happens that could wake the time keeper. The first may meet its beat of 50 ms by
  // chance; the best of the others shows what a slow machine would hide.
  pool::Duration shortest = 1h;
  for (int i = 0; i < 10; ++i) {
    const auto got = pool.acquire(clock.now() + 10s, "test");
    ASSERT_TRUE(std::holds_alternative<Refused>(got));
    if (i > 0)
      shortest = std::min(shortest, std::get<Refused>(got).waited);
  }
  EXPECT_GE(shortest, 10ms);
  EXPECT_LT(shortest, 45ms);
}

TEST(LivePool, MayGoAwayInTheMiddleOfConnects) {
  const Clock clock;
  pool::Plan plan = plan_of(5, 1s);
  plan.min_idle = 4;
  for (int i = 0; i < 30; ++i) {
    LivePool pool(clock, db::TestPostgres::shared().postgres().conninfo_jobs(), 1);
    pool.follow(plan, true, false);
    // Some go before the first is there, some at that moment, some after.
    const pool::Time until = clock.now() + i * 300us;
    while (clock.now() < until)
      std::this_thread::yield();
    pool.shut_down(0ms);
  }
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

TEST(LivePool, WaitersWhoseClientHasGoneLeaveTheLine) {
  const Clock clock;
  LivePool pool(clock, db::TestPostgres::shared().postgres().conninfo_jobs(), 1);
  pool.follow(plan_of(1, 60s), true, false);
  auto holder = pool.acquire(clock.now() + 60s, "holder");
  ASSERT_TRUE(std::holds_alternative<Lease>(holder));

  std::atomic<int> gone{0};
  std::atomic<int> served{0};
  std::vector<std::thread> threads;
  const auto wait_as = [&](const Client &client) {
    threads.emplace_back([&, caller = client.caller()] {
      auto got = pool.acquire(clock.now() + 60s, "waiter", pool::Duration::zero(), caller);
      if (const auto *refused = std::get_if<Refused>(&got))
        gone += refused->caller_gone ? 1 : 0;
      else
        served += std::get<Lease>(got).give_back(true).count() >= 0 ? 1 : 0;
    });
  };
  std::list<Client> leaving(20);
  Client staying;
  for (const Client &client : leaving)
    wait_as(client);
  wait_as(staying);
  ASSERT_TRUE(comes_true([&] { return pool.snapshot().levels.waiting == 21; }));
  bool half = false;
  for (Client &client : leaving)
    if ((half = !half))
      client.half_close();
    else
      client.close();
  EXPECT_TRUE(comes_true([&] { return gone == 20; }, 1s)) << gone;
  EXPECT_EQ(pool.snapshot().levels.waiting, 1U) << "who stays keeps the place";
  EXPECT_EQ(served, 0);

  (void)std::get<Lease>(holder).give_back(true);
  for (std::thread &thread : threads)
    thread.join();
  const pool::Counts n = pool.snapshot().counts;
  EXPECT_EQ(served, 1);
  EXPECT_EQ(n.cancelled, 20U);
  EXPECT_EQ(n.served, 2U);
  EXPECT_EQ(n.failed + n.refused + n.timed_out, 0U);
  EXPECT_EQ(n.connects, 1U);
  EXPECT_EQ(n.closed, 0U);
}

// What a thread was told, from another one.
struct Told {
  std::mutex mutex;
  std::vector<SuspectedLeak> leaks;
  std::size_t count() {
    const std::lock_guard lock(mutex);
    return leaks.size();
  }
};

TEST(LivePool, ALeakIsSuspectedOnceAndReclaimedOnlyWhenSomebodyAsks) {
  const Clock clock;
  Told told;
  LivePool pool(clock, db::TestPostgres::shared().postgres().conninfo_jobs(), 1);
  pool.follow(plan_of(1, 60s), true, false);
  pool.watch_for_leaks(200ms, [&](const SuspectedLeak &leak) {
    const std::lock_guard lock(told.mutex);
    told.leaks.push_back(leak);
  });
  auto leaked = pool.acquire(clock.now() + 60s, "POST /leaky");
  ASSERT_TRUE(std::holds_alternative<Lease>(leaked));
  Lease &holder = std::get<Lease>(leaked);
  const int pid = holder.connection().backend_pid();
  EXPECT_EQ(pool.reclaim_leaks(), 0U) << "nobody is suspected yet";

  ASSERT_TRUE(comes_true([&] { return told.count() == 1; }));
  EXPECT_EQ(told.leaks[0].route, "POST /leaky");
  EXPECT_EQ(told.leaks[0].backend_pid, pid);
  std::atomic<int> next_pid{0};
  std::thread waiter([&] {
    auto got = pool.acquire(clock.now() + 60s, "POST /patient");
    if (auto *lease = std::get_if<Lease>(&got)) {
      (void)db::job_stats(lease->connection());
      next_pid = lease->connection().backend_pid();
      (void)lease->give_back(true);
    }
  });
  ASSERT_TRUE(comes_true([&] { return pool.snapshot().levels.waiting == 1; }));
  // Held far longer than the limit: told no second time, and left alone.
  ASSERT_TRUE(
      comes_true([&] { return clock.now() - pool.snapshot().leaks.now.at(0).since > 600ms; }));
  EXPECT_EQ(told.count(), 1U);
  EXPECT_EQ(pool.snapshot().levels.in_use, 1U);
  EXPECT_EQ(pool.snapshot().levels.waiting, 1U);

  EXPECT_EQ(pool.reclaim_leaks(), 1U);
  waiter.join();
  EXPECT_NE(next_pid, 0);
  EXPECT_NE(next_pid, pid) << "on a connection of its own";
  EXPECT_EQ(pool.reclaim_leaks(), 0U);

  // The holder comes back after all.
  EXPECT_THROW((void)db::job_stats(holder.connection()), db::StatementError);
  (void)holder.give_back(true);
  const LivePool::Snapshot end = pool.snapshot();
  EXPECT_EQ(end.levels.open, 1U);
  EXPECT_EQ(end.levels.in_use, 0U);
  EXPECT_EQ(end.counts.served, 1U);
  EXPECT_EQ(end.counts.failed, 1U);
  EXPECT_EQ(end.counts.asked, 2U);
  EXPECT_EQ(end.counts.connects, end.counts.closed + end.levels.open);
  EXPECT_EQ(end.leaks.suspected, 1U);
  EXPECT_EQ(end.leaks.reclaimed, 1U);
  EXPECT_TRUE(end.leaks.now.empty());
}

TEST(LivePool, AConnectionIsReclaimedFromTheMiddleOfAStatement) {
  const Clock clock;
  LivePool pool(clock, db::TestPostgres::shared().postgres().conninfo_jobs(), 1);
  pool.follow(plan_of(1, 60s), true, false);
  pool.watch_for_leaks(100ms, nullptr);
  std::atomic<bool> lost{false};
  std::thread holder([&] {
    auto got = pool.acquire(clock.now() + 60s, "POST /slow");
    Lease &lease = std::get<Lease>(got);
    try {
      db::hold_submit(lease.connection(), {"send_email"}, 20s);
    } catch (const db::StatementError &e) {
      lost = e.kind == db::StatementError::Kind::lost;
    }
    (void)lease.give_back(false);
  });
  ASSERT_TRUE(comes_true([&] { return !pool.snapshot().leaks.now.empty(); }));
  EXPECT_EQ(pool.reclaim_leaks(), 1U);
  holder.join();
  EXPECT_TRUE(lost);
  auto next = pool.acquire(clock.now() + 10s, "POST /next");
  EXPECT_TRUE(std::holds_alternative<Lease>(next));
}

TEST(LivePool, WhoGivesBackLateIsSuspectedNoMoreAndKeepsTheConnection) {
  const Clock clock;
  LivePool pool(clock, db::TestPostgres::shared().postgres().conninfo_jobs(), 1);
  pool.follow(plan_of(1, 60s), true, false);
  pool.watch_for_leaks(100ms, nullptr);
  {
    auto late = pool.acquire(clock.now() + 60s, "POST /late");
    ASSERT_TRUE(comes_true([&] { return pool.snapshot().leaks.now.size() == 1; }));
    (void)std::get<Lease>(late).give_back(true);
  }
  EXPECT_TRUE(pool.snapshot().leaks.now.empty());
  EXPECT_EQ(pool.reclaim_leaks(), 0U);
  EXPECT_EQ(pool.snapshot().leaks.suspected, 1U);
  EXPECT_EQ(pool.snapshot().levels.idle, 1U);
  EXPECT_EQ(pool.snapshot().counts.failed, 0U);
}

TEST(LivePool, ReclaimingTakesNothingFromWhoGotTheConnectionNext) {
  const Clock clock;
  LivePool pool(clock, db::TestPostgres::shared().postgres().conninfo_jobs(), 1);
  pool.follow(plan_of(1, 60s), true, false);
  pool.watch_for_leaks(100ms, nullptr);
  auto late = pool.acquire(clock.now() + 60s, "POST /late");
  ASSERT_TRUE(comes_true([&] { return pool.snapshot().leaks.now.size() == 1; }));
  pool.watch_for_leaks(1h, nullptr); // whoever comes now is not suspected, however slow this is
  (void)std::get<Lease>(late).give_back(true);
  auto next = pool.acquire(clock.now() + 60s, "POST /next"); // before the time keeper looks again
  EXPECT_EQ(pool.reclaim_leaks(), 0U);
  Lease &lease = std::get<Lease>(next);
  EXPECT_NO_THROW((void)db::job_stats(lease.connection()));
  (void)lease.give_back(true);
  EXPECT_EQ(pool.snapshot().counts.served, 2U);
}

TEST(Place, TheMarkOfOneHoldLetsNoOtherGo) {
  Place place;
  const pool::Time now(1h), until(2h);
  const Place::Mark first = place.hold(now, until, "first");
  EXPECT_TRUE(place.let_go(now, first));
  const Place::Mark second = place.hold(now, until, "second");
  EXPECT_FALSE(place.let_go(now + 1s, first)) << "the same deadline, another hold";
  EXPECT_EQ(place.holder()->route, "second");
  EXPECT_EQ(place.rested(now), 0s) << "and it has changed nothing";
  EXPECT_TRUE(place.let_go(now, second));
  const Place::Mark third = place.hold(now, pool::Time::max(), "for ever");
  EXPECT_TRUE(place.let_go(now, third));
}

TEST(LivePool, APauseHandsOutNothingAndResumesInOrder) {
  const Clock clock;
  LivePool pool(clock, db::TestPostgres::shared().postgres().conninfo_jobs(), 1);
  pool.follow(plan_of(1, 60s), true, false);
  auto holder = pool.acquire(clock.now() + 60s, "holder");
  ASSERT_TRUE(std::holds_alternative<Lease>(holder));
  EXPECT_TRUE(pool.pause(true));
  EXPECT_FALSE(pool.pause(true)) << "it was paused already";
  EXPECT_TRUE(pool.snapshot().paused);

  std::mutex mutex;
  std::vector<int> order;
  std::vector<std::thread> waiters;
  for (int i = 0; i < 5; ++i) {
    waiters.emplace_back([&, i] {
      auto got = pool.acquire(clock.now() + 60s, "waiter");
      auto *lease = std::get_if<Lease>(&got);
      if (lease == nullptr)
        return;
      {
        const std::lock_guard lock(mutex);
        order.push_back(i);
      }
      (void)lease->give_back(true);
    });
    ASSERT_TRUE(comes_true(
        [&] { return pool.snapshot().levels.waiting == static_cast<std::uint32_t>(i + 1); }));
  }
  // A holder finishes; what it gives back goes to nobody, under any plan.
  EXPECT_NO_THROW((void)db::job_stats(std::get<Lease>(holder).connection()));
  (void)std::get<Lease>(holder).give_back(true);
  pool.follow(plan_of(3, 60s), true, false);
  EXPECT_EQ(pool.observe().plan.max_in_use, 0U) << "as a strategy is shown it";
  auto late = pool.acquire(clock.now() + 100ms, "late");
  const Refused *refused = std::get_if<Refused>(&late);
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(refused->why, pool::Refusal::timed_out) << "who waits does so to the deadline";
  EXPECT_EQ(refused->detail, "the pool is paused");
  EXPECT_GE(refused->waited, 100ms);
  EXPECT_EQ(pool.snapshot().levels.in_use, 0U);
  EXPECT_EQ(pool.snapshot().levels.waiting, 5U);

  pool.follow(plan_of(1, 60s), false, false); // one after the other, so that there is an order
  EXPECT_TRUE(pool.pause(false));
  for (std::thread &waiter : waiters)
    waiter.join();
  EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4}));
  EXPECT_EQ(pool.snapshot().plan.max_in_use, 1U) << "the plan that was followed last";
}

// The core knows "too many" and "down"; people are told more.
TEST(LivePool, FailedConnectsAreCountedByReasonAndExplained) {
  const Clock clock;
  const std::string there = db::TestPostgres::shared().postgres().conninfo_jobs();
  const auto failure = [&](const std::string &conninfo) {
    LivePool pool(clock, conninfo, 1);
    pool.follow(plan_of(1, 60s), true, false);
    auto got = pool.acquire(clock.now() + 60s, "test");
    const Refused *refused = std::get_if<Refused>(&got);
    EXPECT_NE(refused, nullptr);
    EXPECT_EQ(refused->why, pool::Refusal::db_unavailable) << "all the same to the core";
    const LivePool::Snapshot seen = pool.snapshot();
    EXPECT_EQ(refused->detail, seen.last_connect_error);
    std::string reasons;
    for (std::size_t i = 0; i < seen.connect_failures.size(); ++i)
      if (seen.connect_failures[i] > 0)
        reasons += db::name_of(db::connect_failures[i]);
    return std::pair(reasons, refused->detail);
  };
  EXPECT_EQ(failure(there + " dbname=nothing").first, "no_such_database");
  EXPECT_EQ(failure(there + " password=wrong").first, "wrong_login");
  const auto [reason, text] = failure("host=/nowhere dbname=x user=x");
  EXPECT_EQ(reason, "nobody_listens");
  EXPECT_NE(text.find("; start PostgreSQL"), std::string::npos) << text;
}

// A connect belongs to no request: it goes on, and serves whoever asks next.
TEST(LivePool, AConnectOutlivesTheClientThatWasTheReasonForIt) {
  const Clock clock;
  LivePool pool(clock, db::TestPostgres::shared().postgres().conninfo_jobs(), 1);
  pool.follow(plan_of(2, 60s), true, false);
  auto holder = pool.acquire(clock.now() + 60s, "holder"); // so that somebody is open
  ASSERT_TRUE(std::holds_alternative<Lease>(holder));
  Client client;
  client.close(); // gone before it waits
  auto got = pool.acquire(clock.now() + 60s, "waiter", pool::Duration::zero(), client.caller());
  if (auto *lease = std::get_if<Lease>(&got))
    (void)lease->give_back(true); // the connect was quicker than the look
  EXPECT_TRUE(comes_true([&] { return pool.snapshot().levels.open == 2; }));
  EXPECT_EQ(pool.snapshot().counts.connects_failed, 0U);
}

} // namespace
} // namespace lab::host
