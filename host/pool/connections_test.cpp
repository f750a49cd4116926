// A connection's life: opened as it is wanted, refused, tried again, grown old, closed.
#include "host/pool/test_pool_driver.hpp"

#include <gtest/gtest.h>

namespace lab::pool {
namespace {

// pgx#1259, #1287: what a waiter wanted outlives it.
TEST(Pool, ConnectsNoMoreThanAreWantedAndNoneIsUndone) { // HikariCP's elision
  Plan plan = plan_of(50);
  Driver d(plan);
  d.ask(1);
  d.ask(2);
  EXPECT_EQ(d.connecting.size(), 2U);
  d.cancel(1); // its connect goes on, and serves whoever is first
  d.connect_one();
  EXPECT_TRUE(d.holds.contains(2));
  d.connect_one();
  EXPECT_EQ(d.pool.levels().idle, 1U);
}

TEST(Pool, NeverMoreConnectsUnderWayThanThePlanSays) {
  Plan plan = plan_of(50);
  plan.max_connecting = 2;
  Driver d(plan);
  for (int i = 0; i < 20; ++i)
    d.ask(i);
  EXPECT_EQ(d.connecting.size(), 2U);
  d.connect_one();
  EXPECT_EQ(d.connecting.size(), 2U);
}

TEST(Pool, AServerAtItsCeilingIsNamedAsTheCause) {
  Driver d(plan_of(5, milliseconds(500)));
  d.ask(1);
  d.connect_one();
  d.ask(2);
  d.fail_connect(true);
  EXPECT_TRUE(d.refused.empty()) << "it waits to its deadline: one may be given back";
  d.pass(milliseconds(150));
  EXPECT_TRUE(d.connecting.empty()) << "the pool backs off";
  d.pass(milliseconds(100));
  EXPECT_EQ(d.connecting.size(), 1U) << "then it tries again";
  d.fail_connect(true);
  d.pass(milliseconds(250));
  EXPECT_EQ(d.refused.at(2), Refusal::too_many_connections);
}

TEST(Pool, AnErrorOfLongAgoIsNotBlamed) {
  Driver d(plan_of(3, milliseconds(200)));
  d.ask(1);
  d.connect_one();
  d.ask(2);
  d.fail_connect(true);
  d.give_back(1); // serves 2, so that nobody wants another connection
  d.pass(seconds(1));
  d.ask(3);
  d.pass(milliseconds(250)); // the connect hangs, and tells nothing
  EXPECT_EQ(d.refused.at(3), Refusal::too_many_connections) << "as it was a second ago";
  d.pass(hours(1));
  d.ask(4);
  d.pass(milliseconds(250));
  EXPECT_EQ(d.refused.at(4), Refusal::timed_out) << "the server has refused nothing for an hour";
}

TEST(Pool, WhoWaitsAtTheLimitIsNotBlamedOnTheServer) {
  Driver d(plan_of(5, milliseconds(500)));
  d.ask(1);
  d.connect_one();
  d.ask(2);
  d.fail_connect(true);
  d.follow(plan_of(1, milliseconds(500)), true); // another strategy, content with what is open
  d.ask(3);
  d.now += milliseconds(600); // 2 and 3 expire in the very moment that 1 gives back
  d.give_back(1);
  EXPECT_EQ(d.refused.at(2), Refusal::timed_out);
  EXPECT_EQ(d.refused.at(3), Refusal::timed_out);
}

TEST(Pool, NothingOpenAndConnectsFailingIsUnavailableAtOnce) {
  Driver d(plan_of(5, seconds(5)));
  d.ask(1);
  d.ask(2);
  d.fail_connect();
  EXPECT_EQ(d.refused.at(1), Refusal::db_unavailable);
  EXPECT_EQ(d.refused.at(2), Refusal::db_unavailable);
  d.ask(3);
  EXPECT_EQ(d.refused.at(3), Refusal::db_unavailable) << "and so for those who come later";
}

TEST(Pool, KnocksAtADeadServerAtMostFiveTimesASecondAndNeedsNobodyToAsk) { // postgres.js#1179
  Driver d(plan_of(50));
  for (int i = 0; i < 50; ++i)
    d.ask(i);
  while (!d.connecting.empty())
    d.fail_connect();
  int knocks = 0;
  for (int ms = 0; ms < 10000; ++ms) {
    d.pass(milliseconds(1));
    EXPECT_LE(d.connecting.size(), 1U) << "one prober";
    while (!d.connecting.empty()) {
      ++knocks;
      d.fail_connect();
    }
  }
  EXPECT_LE(knocks, 50);
  EXPECT_GE(knocks, 10) << "it must notice within a second that the server is back";
}

TEST(Pool, AfterAnOutageItBeginsSlowly) {
  Driver d(plan_of(50));
  d.ask(1);
  d.fail_connect();
  d.pass(seconds(1));
  ASSERT_EQ(d.connecting.size(), 1U);
  d.connect_one();
  for (int i = 2; i < 40; ++i)
    d.ask(i);
  EXPECT_EQ(d.connecting.size(), 2U);
  d.connect_one();
  EXPECT_LE(d.connecting.size(), 4U);
}

TEST(Pool, WithoutALineTheNextRequestTriesAgainAfterAFailedConnect) {
  Plan plan = plan_of(3);
  plan.max_waiting = 0;
  Driver d(plan);
  d.ask(1);
  d.connect_one();
  d.ask(2);
  d.fail_connect(true);
  d.give_back(1); // 2 gets it: nobody waits, and nobody is left who tries
  EXPECT_TRUE(d.holds.contains(2));
  d.ask(3);
  EXPECT_EQ(d.refused.at(3), Refusal::rejected) << "it backs off";
  d.pass(seconds(1));
  d.ask(4);
  d.ask(5);
  EXPECT_EQ(d.refused.at(5), Refusal::rejected) << "one try at a time";
  d.connect_one();
  EXPECT_TRUE(d.holds.contains(4));
  d.ask(6);
  d.connect_one();
  EXPECT_TRUE(d.holds.contains(6)) << "all is well again";
}

TEST(Pool, AFailedConnectFreesItsPlace) { // vitess#20080
  Driver d(plan_of(1));
  d.ask(1);
  d.fail_connect(true);
  d.pass(seconds(1));
  EXPECT_EQ(d.connecting.size(), 1U);
  d.connect_one();
  EXPECT_TRUE(d.holds.contains(1));
}

TEST(Pool, WhatBrokeIsNeverHandedOutAgain) {
  Driver d(plan_of(1));
  d.ask(1);
  d.connect_all();
  const ConnectionId broken = d.holds.at(1);
  d.ask(2);
  d.lose(1);
  d.connect_all();
  ASSERT_TRUE(d.holds.contains(2));
  EXPECT_NE(d.holds.at(2), broken);
  EXPECT_EQ(d.pool.counts(d.now).failed, 1U);
}

TEST(Pool, IdleConnectionsCloseAfterTheirTimeButMinIdleStays) {
  Plan plan = plan_of(3);
  plan.idle_timeout = seconds(10);
  plan.min_idle = 1;
  Driver d(plan);
  for (int i = 1; i <= 3; ++i)
    d.ask(i);
  d.connect_all();
  for (int i = 1; i <= 3; ++i)
    d.give_back(i);
  d.pass(seconds(10) - Duration(1));
  EXPECT_EQ(d.pool.levels().idle, 3U);
  d.pass(Duration(1));
  EXPECT_EQ(d.pool.levels().idle, 1U);
}

TEST(Pool, OldConnectionsAreReplacedNotAllAtOnce) {
  Plan plan = plan_of(20);
  plan.max_lifetime = seconds(100);
  plan.idle_timeout = hours(1);
  Driver d(plan);
  for (int i = 0; i < 20; ++i)
    d.ask(i);
  d.connect_all();
  for (int i = 0; i < 20; ++i)
    d.give_back(i);
  d.pass(seconds(89));
  EXPECT_EQ(d.pool.levels().open, 20U);
  d.pass(seconds(6));
  EXPECT_GT(d.pool.levels().open, 2U);
  EXPECT_LT(d.pool.levels().open, 18U);
  d.pass(seconds(7));
  EXPECT_EQ(d.pool.levels().open, 0U);
}

} // namespace
} // namespace lab::pool
