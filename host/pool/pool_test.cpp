// The core's promises to those who ask, one test each; connections_test.cpp has those
// about the connections themselves.
#include "host/pool/test_pool_driver.hpp"

#include <gtest/gtest.h>

namespace lab::pool {
namespace {

TEST(Pool, ServesFirstComeFirstServed) {
  Driver d(plan_of(1));
  for (int i = 1; i <= 4; ++i)
    d.ask(i);
  d.connect_all();
  for (int i = 1; i <= 3; ++i)
    d.give_back(i);
  EXPECT_EQ(d.served, (std::vector<int>{1, 2, 3, 4}));
}

TEST(Pool, ServesTheNewestFirstWhenThePlanSaysLifo) {
  Plan plan = plan_of(1);
  plan.order = Order::lifo;
  Driver d(plan);
  d.ask(1);
  d.connect_all();
  d.ask(2);
  d.ask(3);
  d.give_back(1);
  d.give_back(3);
  EXPECT_EQ(d.served, (std::vector<int>{1, 3, 2}));
}

TEST(Pool, AChangeOfOrderHoldsForThoseWhoWaitAlready) {
  Plan plan = plan_of(1);
  plan.order = Order::lifo;
  Driver d(plan);
  for (int request = 1; request <= 5; ++request)
    d.ask(request);
  d.verdict(3, {.kind = Verdict::Kind::wait, .at_front = true, .wait = seconds(5)});
  plan.order = Order::fifo;
  d.follow(plan);
  d.ask(6);
  d.connect_all();
  for (const int next : {3, 1, 2, 4, 5})
    d.give_back(next);
  EXPECT_EQ(d.served, (std::vector<int>{3, 1, 2, 4, 5, 6}));
}

// The one who drives it must not tell it twice.
TEST(Pool, OneWhoseTimeIsUpWhileAnotherIsCancelledIsNotCancelled) {
  Driver d(plan_of(1, seconds(1)));
  d.ask(1);
  d.connect_all();
  d.ask(2);
  d.ask(3);
  d.now += seconds(1); // and the tick is still to come
  EXPECT_TRUE(d.cancel(2));
  EXPECT_EQ(d.refused.at(3), Refusal::timed_out);
  EXPECT_FALSE(d.cancel(3));
  EXPECT_EQ(d.pool.counts(d.now).cancelled, 1U);
}

TEST(Pool, ANewcomerCannotBargePastAWaiter) { // HikariCP#2192
  Driver d(plan_of(1));
  d.ask(1);
  d.connect_all();
  d.ask(2);
  d.give_back(1); // goes straight to 2, and is never idle in between
  d.ask(3);
  EXPECT_TRUE(d.holds.contains(2));
  EXPECT_FALSE(d.holds.contains(3));
}

TEST(Pool, HandsOutTheNewestIdleConnection) {
  Driver d(plan_of(2));
  d.ask(1);
  d.ask(2);
  d.connect_all();
  const ConnectionId last_back = d.holds.at(1);
  d.give_back(2);
  d.give_back(1);
  d.ask(3);
  EXPECT_EQ(d.holds.at(3), last_back);
}

TEST(Pool, NobodyTimesOutBeforeTheDeadlineAndEverybodyAtIt) { // vitess#16896: all, not the first
  Driver d(plan_of(1, milliseconds(200)));
  d.ask(1);
  d.connect_all();
  d.ask(2);
  d.ask(3);
  d.pass(milliseconds(200) - Duration(1));
  d.cancel(99); // any event, at the last moment before
  EXPECT_TRUE(d.refused.empty());
  d.pass(Duration(1));
  EXPECT_EQ(d.refused.at(2), Refusal::timed_out);
  EXPECT_EQ(d.refused.at(3), Refusal::timed_out);
}

TEST(Pool, AnExpiredWaiterIsNotServed) { // vitess#20308
  Driver d(plan_of(1, milliseconds(200)));
  d.ask(1);
  d.connect_all();
  d.ask(2);
  d.ask(3);
  d.now += milliseconds(250); // the tick is late; the release comes first
  d.give_back(1);
  EXPECT_TRUE(d.holds.empty());
  EXPECT_EQ(d.refused.at(2), Refusal::timed_out);
  EXPECT_EQ(d.refused.at(3), Refusal::timed_out);
}

// Netflix's LifoBlockingLimiter: a token that comes in the moment of the timeout is kept by
// one who left with it. Here the wait has timed out, and the next in line is served.
TEST(Pool, AGrantAndADeadlineInOneMomentEndTheWaitOnceAndLoseNothing) {
  Driver d(plan_of(1, seconds(5)));
  d.ask(1);
  d.connect_all();
  d.ask(2, milliseconds(100));
  d.ask(3);
  d.now += milliseconds(100);
  d.give_back(1);
  EXPECT_EQ(d.refused.at(2), Refusal::timed_out);
  EXPECT_FALSE(d.holds.contains(2));
  EXPECT_TRUE(d.holds.contains(3));
}

TEST(Pool, NobodyIsQueuedWhileAConnectionRests) { // vitess#17675
  Plan plan = plan_of(2, milliseconds(100));
  Driver d(plan);
  d.ask(1);
  d.ask(2);
  d.pass(milliseconds(100)); // both give up; their connects go on
  EXPECT_EQ(d.refused.size(), 2U);
  d.connect_one();
  EXPECT_EQ(d.pool.levels().idle, 1U);
  d.ask(3);
  EXPECT_TRUE(d.holds.contains(3)) << "at once";
}

// A storm of timeouts: each must leave the line without a walk along it, for the line is
// walked under the lock that everybody needs. 40 times as many may take 40 times as long,
// and some more for a machine that is busy; by walking they would take 1,600 times.
TEST(Pool, ALineOfThousandsExpiresWithoutBeingWalked) { // vitess#20310
  const auto took = [](int waiters) {
    Pool pool(1);
    Actions out;
    Plan plan = plan_of(1, seconds(1));
    plan.max_waiting = POOL_LAB_MAX_SIZE * 1000; // beyond what a strategy may ask for
    pool.follow(Time{}, plan, true, false, out);
    for (int i = 1; i <= waiters; ++i)
      pool.acquire(Time{}, RequestId(i), Time::max(), "GET /x", out);
    out.clear();
    const auto begun = std::chrono::steady_clock::now();
    pool.tick(Time{} + seconds(1), out);
    const auto spent = std::chrono::steady_clock::now() - begun;
    EXPECT_EQ(std::count_if(out.begin(), out.end(),
                            [](const Action &a) { return std::holds_alternative<Refuse>(a); }),
              waiters);
    return spent;
  };
  EXPECT_LT(took(40000), 40 * 8 * took(1000));
}

TEST(Pool, ARequestsOwnDeadlineIsNeverPassed) {
  Driver d(plan_of(1, seconds(5)));
  d.ask(1);
  d.connect_all();
  d.ask(2, milliseconds(100));
  d.pass(milliseconds(100));
  EXPECT_EQ(d.refused.at(2), Refusal::timed_out);
}

TEST(Pool, ADeadConnectionPutsItsRequestBackAtTheHeadWithItsDeadline) { // node-mysql2#4498
  Driver d(plan_of(1, milliseconds(200)));
  d.ask(1);
  d.connect_all();
  d.ask(2);
  d.pass(milliseconds(150));
  d.give_back(1);
  ASSERT_TRUE(d.holds.contains(2));
  d.ask(3);
  d.found_dead(2);
  EXPECT_EQ(d.connecting.size(), 1U) << "its place must be free for a new connect";
  d.pass(milliseconds(50));
  EXPECT_EQ(d.refused.at(2), Refusal::timed_out);
  d.connect_all();
  EXPECT_TRUE(d.holds.contains(3));
}

TEST(Pool, ADeadConnectionCostsItsRequestNoTurn) {
  Driver d(plan_of(1));
  d.ask(1);
  d.connect_all();
  d.ask(2);
  d.give_back(1);
  d.ask(3);
  d.found_dead(2);
  d.connect_all();
  EXPECT_TRUE(d.holds.contains(2));
  EXPECT_FALSE(d.holds.contains(3));
}

TEST(Pool, WhoMayNotWaitGetsAnotherConnectionForADeadOne) {
  Driver d(plan_of(2, Duration::zero()));
  Plan patient = plan_of(2);
  d.follow(patient);
  d.ask(1);
  d.ask(2);
  d.connect_all();
  d.give_back(1);
  d.give_back(2);
  d.follow(plan_of(2, Duration::zero()));
  d.ask(3);
  d.found_dead(3);
  EXPECT_TRUE(d.holds.contains(3)) << "an idle one was there";
  d.found_dead(3);
  EXPECT_EQ(d.refused.at(3), Refusal::timed_out) << "now there is none";
}

TEST(Pool, AnEarlyTickForgetsNoDeadline) {
  Driver d(plan_of(1, milliseconds(200)));
  d.ask(1);
  d.connect_all();
  d.ask(2);
  d.now += milliseconds(100);
  d.tick();
  EXPECT_EQ(d.wake, Time{} + milliseconds(200));
  d.pass(milliseconds(100));
  EXPECT_EQ(d.refused.at(2), Refusal::timed_out);
}

TEST(Pool, ASurplusConnectionClosesOnReturnThoughSomebodyWaits) {
  Driver d(plan_of(3));
  for (int i = 1; i <= 3; ++i)
    d.ask(i);
  d.connect_all();
  d.ask(4);
  Plan fewer = plan_of(3);
  fewer.max_open = 1;
  d.follow(fewer);
  d.give_back(1);
  d.give_back(2);
  EXPECT_FALSE(d.holds.contains(4));
  EXPECT_EQ(d.pool.levels().open, 1U);
  d.give_back(3);
  EXPECT_TRUE(d.holds.contains(4));
}

TEST(Pool, RaisingTheLimitWakesWaiters) { // vitess#20081
  Driver d(plan_of(1));
  d.ask(1);
  d.connect_all();
  d.ask(2);
  d.follow(plan_of(2));
  d.connect_all();
  EXPECT_TRUE(d.holds.contains(2));
}

TEST(Pool, LoweringTheLimitTakesNothingAwayAndHoldsFromTheNextHandOut) {
  Driver d(plan_of(3));
  for (int i = 1; i <= 3; ++i)
    d.ask(i);
  d.connect_all();
  d.follow(plan_of(1));
  EXPECT_EQ(d.holds.size(), 3U);
  d.ask(4);
  d.give_back(1);
  d.give_back(2);
  EXPECT_FALSE(d.holds.contains(4));
  d.give_back(3);
  EXPECT_TRUE(d.holds.contains(4));
}

TEST(Pool, ZeroPausesAndWaitersWait) {
  Driver d(plan_of(1));
  d.ask(1);
  d.connect_all();
  d.give_back(1);
  d.follow(plan_of(0));
  d.ask(2);
  EXPECT_EQ(d.pool.levels().waiting, 1U);
  d.follow(plan_of(1));
  EXPECT_TRUE(d.holds.contains(2));
}

TEST(Pool, ALawMayMoveDownAndUpWithoutPayingForConnects) {
  Driver d(plan_of(4));
  for (int i = 1; i <= 4; ++i)
    d.ask(i);
  d.connect_all();
  d.follow(plan_of(1));
  for (int i = 1; i <= 4; ++i)
    d.give_back(i);
  EXPECT_EQ(d.pool.levels().open, 4U);
  d.follow(plan_of(4));
  for (int i = 5; i <= 8; ++i)
    d.ask(i);
  EXPECT_EQ(d.holds.size(), 4U);
  EXPECT_TRUE(d.connecting.empty());
}

TEST(Pool, AFreshStrategyForgetsTheOldOnesHigh) {
  Driver d(plan_of(4));
  for (int i = 1; i <= 4; ++i)
    d.ask(i);
  d.connect_all();
  d.give_back(1);
  d.give_back(2);
  d.follow(plan_of(1), true);
  EXPECT_EQ(d.pool.levels().open, 2U) << "idle ones close at once";
  d.give_back(3);
  d.give_back(4);
  EXPECT_EQ(d.pool.levels().open, 1U) << "busy ones close on return";
}

TEST(Pool, AFullLineRefusesTheNewcomerAtOnce) { // HikariCP#580
  Plan plan = plan_of(1);
  plan.max_waiting = 2;
  Driver d(plan);
  d.ask(1); // will be served by the connect under way, so it does not count
  d.ask(2);
  d.ask(3);
  EXPECT_TRUE(d.refused.empty());
  d.ask(4);
  EXPECT_EQ(d.refused.at(4), Refusal::rejected);
}

TEST(Pool, NoWaitingMeansIdleOrNothing) {
  Driver d(plan_of(1));
  d.ask(1);
  d.connect_all();
  d.give_back(1);
  d.follow(plan_of(1, Duration::zero()));
  d.ask(2);
  d.ask(3);
  EXPECT_TRUE(d.holds.contains(2));
  EXPECT_EQ(d.refused.at(3), Refusal::timed_out);
}

// Else it would have none for ever.
TEST(Pool, WhereNobodyMayWaitThoseWhoAreTurnedAwayMakeItConnect) {
  Driver d(plan_of(2, Duration::zero()));
  d.ask(1);
  EXPECT_EQ(d.refused.at(1), Refusal::timed_out);
  EXPECT_EQ(d.connecting.size(), 1U);
  d.ask(2);
  EXPECT_EQ(d.connecting.size(), 1U) << "the one under way is for the next";
  d.connect_all();
  d.ask(3);
  d.ask(4);
  d.connect_all();
  d.ask(5);
  d.ask(6); // at max_in_use: no room
  EXPECT_TRUE(d.holds.contains(3) && d.holds.contains(5));
  EXPECT_TRUE(d.connecting.empty());
}

TEST(Pool, AChangedWaitTimeoutHoldsForThoseWaiting) {
  Driver d(plan_of(1, seconds(5)));
  d.ask(1);
  d.connect_all();
  d.ask(2);
  d.pass(milliseconds(100));
  d.follow(plan_of(1, milliseconds(200)));
  d.pass(milliseconds(100));
  EXPECT_EQ(d.refused.at(2), Refusal::timed_out);
}

TEST(Pool, AStrategyThatComesIsAskedAboutThoseWhoWaitAlready) {
  Driver d(plan_of(1, seconds(5)));
  d.ask(1);
  d.connect_all();
  d.ask(2);
  Actions out;
  d.pool.follow(d.now, plan_of(1, seconds(5)), true, true, out);
  EXPECT_EQ(std::count_if(
                out.begin(), out.end(),
                [](const Action &action) { return std::holds_alternative<AskStrategy>(action); }),
            1);
  ASSERT_EQ(d.pool.take_asks(d.now).size(), 1U);
  out.clear();
  d.pool.follow(d.now, plan_of(1, seconds(5)), false, true, out);
  EXPECT_TRUE(std::none_of(out.begin(), out.end(), [](const Action &action) {
    return std::holds_alternative<AskStrategy>(action);
  })) << "a look does not lead to the next";
}

TEST(Pool, VerdictsReorderRefuseAndLimitTheWait) {
  Driver d(plan_of(1, seconds(5)));
  d.follow(plan_of(1, seconds(5)), false, true);
  d.ask(1);
  d.connect_all();
  d.ask(2);
  d.ask(3);
  d.ask(4);
  const auto asks = d.pool.take_asks(d.now);
  ASSERT_EQ(asks.size(), 3U);
  EXPECT_EQ(asks[2].shown.ahead, 2U);
  EXPECT_TRUE(d.pool.take_asks(d.now).empty()) << "asked once each";
  EXPECT_TRUE(d.pool.waits(RequestId(2)));
  d.verdict(2, {Verdict::Kind::refuse, false, {}});
  EXPECT_FALSE(d.pool.waits(RequestId(2))) << "it was refused";
  EXPECT_EQ(d.refused.at(2), Refusal::rejected);
  d.verdict(4, {Verdict::Kind::wait, true, milliseconds(100)});
  d.pass(milliseconds(50));
  d.give_back(1);
  EXPECT_TRUE(d.holds.contains(4)) << "it was put at the front";
  EXPECT_TRUE(d.pool.waits(RequestId(3)) && !d.pool.waits(RequestId(4)));
  d.verdict(4, {Verdict::Kind::refuse, false, {}}); // too late: ignored
  EXPECT_TRUE(d.holds.contains(4));
}

TEST(Pool, APlanMayShortenAVerdictButNotExtendIt) {
  Driver d(plan_of(1, seconds(5)));
  d.ask(1);
  d.connect_all();
  d.ask(2);
  d.verdict(2, {Verdict::Kind::wait, false, milliseconds(300)});
  d.follow(plan_of(1, seconds(10)));
  d.pass(milliseconds(300));
  EXPECT_TRUE(d.refused.contains(2));
}

TEST(Pool, ShutDownRefusesWaitersAndClosesOnReturn) {
  Driver d(plan_of(1));
  d.ask(1);
  d.connect_all();
  d.ask(2);
  d.shut_down();
  EXPECT_EQ(d.refused.at(2), Refusal::draining);
  d.give_back(1);
  EXPECT_EQ(d.pool.levels().open, 0U);
  d.ask(3);
  EXPECT_EQ(d.refused.at(3), Refusal::draining);
}

TEST(Pool, TheObservationAddsUp) {
  Driver d(plan_of(2, milliseconds(100)));
  (void)d.pool.observe(d.now);
  d.ask(1);
  d.ask(2);
  d.connect_all();
  d.ask(3);
  d.pass(milliseconds(50));
  d.give_back(1); // 3 is served after 50 ms
  d.ask(4);
  d.pass(milliseconds(100)); // 4 times out
  d.give_back(2, false);
  const pl_observation seen = d.pool.observe(d.now);
  EXPECT_EQ(seen.window, Duration(milliseconds(150)).count());
  EXPECT_EQ(seen.asked, 4U);
  EXPECT_EQ(seen.served, 1U);
  EXPECT_EQ(seen.failed, 1U);
  EXPECT_EQ(seen.timed_out, 1U);
  EXPECT_EQ(seen.in_use.now, 1U);
  EXPECT_EQ(seen.in_use.high, 2U);
  EXPECT_EQ(seen.wait[PL_SERVED].count, 3U);
  EXPECT_EQ(seen.wait[PL_SERVED].max, Duration(milliseconds(50)).count());
  EXPECT_EQ(seen.hold[PL_SERVED].sum, Duration(milliseconds(50)).count());
  EXPECT_EQ(seen.hold[PL_FAILED].sum, Duration(milliseconds(150)).count());
  EXPECT_EQ(seen.oldest_wait_high, Duration(milliseconds(100)).count());
  EXPECT_NEAR(seen.in_use.mean, 2.0, 1e-9);
  EXPECT_EQ(seen.sample_count, 3U);
  EXPECT_EQ(d.pool.observe(d.now).asked, 0U) << "the next window begins empty";
}

// It goes out as a counter, and its difference as a mean, which is never below zero.
TEST(Pool, WhatWasInUseNeverFallsThoughAHolderReadItsClockBeforeTheLook) {
  Driver d(plan_of(1));
  d.ask(1);
  d.connect_all();
  const ConnectionId connection = d.holds.at(1);
  d.pass(milliseconds(10));
  const Time read_before_the_look = d.now;
  d.pass(milliseconds(5));
  (void)d.pool.observe(d.now);
  const Duration told = d.pool.counts(d.now).in_use_time;
  EXPECT_EQ(told, milliseconds(15));
  Actions out;
  d.pool.release(read_before_the_look, connection, true, out);
  EXPECT_EQ(d.pool.counts(d.now).in_use_time, told);
  const pl_observation seen = d.pool.observe(d.now + milliseconds(5));
  EXPECT_GE(seen.in_use.mean, 0);
  EXPECT_LE(seen.idle.mean, seen.open.mean);
}

TEST(Pool, LooksAreAskedForWhenThePlanSaysSo) {
  Plan plan = plan_of(1);
  Driver quiet(plan);
  quiet.ask(1);
  EXPECT_EQ(quiet.strategy_asked, 0);
  plan.look_when_waiting = true;
  Driver keen(plan);
  keen.ask(1);
  EXPECT_EQ(keen.strategy_asked, 1);
}

// A storm of random events; the books are checked after each. Longer ones, with
// planted faults, belong to the simulator.
TEST(Pool, TheBooksBalanceThroughAStorm) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Random random(seed);
    Driver d(plan_of(3, milliseconds(50)));
    int next = 0;
    for (int step = 0; step < 400 && !::testing::Test::HasFailure(); ++step) {
      const auto pick = [&](std::size_t n) { return static_cast<int>(random.below(n)); };
      const auto some_holder = [&] {
        auto holder = d.holds.begin();
        std::advance(holder, pick(d.holds.size()));
        return holder->first;
      };
      switch (pick(12)) {
      case 0:
      case 1:
      case 2:
        d.ask(next++, milliseconds(1 + pick(200)));
        break;
      case 3:
      case 4:
        if (!d.holds.empty())
          d.give_back(some_holder(), pick(4) != 0);
        break;
      case 5:
      case 6:
        if (!d.connecting.empty())
          d.connect_one();
        break;
      case 7:
        if (!d.connecting.empty())
          d.fail_connect(pick(2) == 0);
        break;
      case 8:
        if (!d.holds.empty())
          pick(2) == 0 ? d.lose(some_holder()) : d.found_dead(some_holder());
        break;
      case 9:
        if (next > 0)
          d.cancel(pick(static_cast<std::size_t>(next)));
        break;
      case 10: {
        Plan plan = plan_of(static_cast<std::uint32_t>(pick(6)), milliseconds(pick(100)));
        plan.order = pick(2) == 0 ? Order::fifo : Order::lifo;
        plan.max_waiting = static_cast<std::uint32_t>(pick(20));
        plan.min_idle = static_cast<std::uint32_t>(pick(3));
        if (pick(3) == 0)
          plan.max_open = static_cast<std::uint32_t>(pick(6));
        d.follow(plan, pick(2) == 0, pick(2) == 0);
        break;
      }
      default:
        d.pass(milliseconds(pick(60)));
      }
    }
    ASSERT_FALSE(::testing::Test::HasFailure()) << "seed " << seed;
  }
}

} // namespace
} // namespace lab::pool
