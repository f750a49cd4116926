// A pool that is paused by hand, on top of whatever plan it follows.
#include "host/pool/plan.hpp"
#include "host/pool/test_pool_driver.hpp"

#include <gtest/gtest.h>

namespace lab::pool {
namespace {

TEST(Pause, TakesTheHandOutsAndLeavesTheRestOfThePlan) {
  Plan plan = plan_of(7);
  plan.max_open = 9;
  plan.min_idle = 2;
  Plan wanted = plan;
  wanted.max_in_use = 0;
  EXPECT_EQ(while_paused(plan, 8), wanted);
  plan.max_open = std::nullopt;
  EXPECT_EQ(while_paused(plan, 8).max_open, 8U) << "more were allowed lately";
  EXPECT_EQ(while_paused(plan, 3).max_open, 7U);
}

TEST(Pause, KeepsTheLineAndWhatIsOpen) {
  Driver d(plan_of(2));
  d.ask(1);
  d.ask(2);
  d.connect_all();
  d.ask(3);
  d.follow(while_paused(plan_of(2), d.pool.max_open()));
  d.give_back(1);
  EXPECT_EQ(d.pool.levels().in_use, 1U);
  EXPECT_EQ(d.pool.levels().idle, 1U) << "idle beside a waiter, and not closed";
  EXPECT_EQ(d.pool.levels().waiting, 1U);
  d.follow(plan_of(2));
  EXPECT_EQ(d.pool.levels().in_use, 2U);
  EXPECT_EQ(d.pool.levels().waiting, 0U);
}

TEST(Pause, OutlastsTheIdleTimeoutWithWhatThePlanKeepsOpen) {
  Plan plan = plan_of(3);
  plan.min_idle = 2;
  plan.idle_timeout = seconds(1);
  Driver d(plan);
  d.connect_all();
  d.ask(1);
  d.connect_all();
  d.follow(while_paused(plan, d.pool.max_open()));
  for (int i = 0; i < 5; ++i) {
    d.pass(seconds(1));
    (void)d.pool.observe(d.now);
  }
  EXPECT_EQ(d.pool.levels().idle, 2U);
  d.give_back(1);
  EXPECT_EQ(d.pool.levels().idle, 2U) << "one has rested for too long, and no other closes";
}

} // namespace
} // namespace lab::pool
