// A server that is shared with others: what no plan may exceed.
#include "host/pool/plan.hpp"
#include "host/pool/test_pool_driver.hpp"

#include <gtest/gtest.h>

namespace lab::pool {
namespace {

TEST(Share, HoldsDownEverySizeAndCountsWhatItHeldDown) {
  Plan plan = plan_of(500);
  plan.max_open = 400;
  plan.min_idle = 50;
  const Clamped shared = within_share(plan, 45);
  EXPECT_EQ(shared.plan.max_in_use, 45U);
  EXPECT_EQ(shared.plan.max_open, 45U);
  EXPECT_EQ(shared.plan.min_idle, 45U);
  EXPECT_EQ(shared.fields, 3U);
}

TEST(Share, LeavesAPlanThatAsksForLessAsItIs) {
  const Plan plan = plan_of(10);
  const Clamped shared = within_share(plan, 45);
  EXPECT_EQ(shared.plan.max_in_use, 10U);
  EXPECT_EQ(shared.plan.max_open, std::nullopt);
  EXPECT_EQ(shared.fields, 0U);
}

// By itself `max_open` stays at its high for as long as idle_timeout: others can't wait.
TEST(Share, ASmallerOneClosesIdleConnectionsAtOnceAndBusyOnesOnReturn) {
  Driver d(plan_of(6));
  for (int i = 1; i <= 6; ++i)
    d.ask(i);
  d.connect_all();
  d.give_back(1);
  d.give_back(2);
  d.follow(within_share(plan_of(6), 3).plan);
  EXPECT_EQ(d.pool.levels().open, 4U) << "both idle ones are gone, four are busy";
  d.give_back(3);
  EXPECT_EQ(d.pool.levels().open, 3U);
  d.give_back(4);
  EXPECT_EQ(d.pool.levels().open, 3U);
  for (int i = 7; i <= 12; ++i)
    d.ask(i);
  d.connect_all();
  EXPECT_EQ(d.pool.levels().open, 3U);
  EXPECT_EQ(d.pool.max_open(), 3U) << "what the page shows";
}

TEST(Share, AConnectThatComesBackTooLateForASmallerOneIsClosed) {
  Driver d(plan_of(3));
  for (int i = 1; i <= 3; ++i)
    d.ask(i);
  d.follow(within_share(plan_of(3), 1).plan);
  d.connect_all();
  EXPECT_EQ(d.pool.levels().open, 1U);
}

} // namespace
} // namespace lab::pool
