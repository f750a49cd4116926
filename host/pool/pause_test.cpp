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
  EXPECT_EQ(while_paused(plan), wanted);
}

TEST(Pause, KeepsTheLineAndWhatIsOpen) {
  Driver d(plan_of(2));
  d.ask(1);
  d.ask(2);
  d.connect_all();
  d.ask(3);
  d.follow(while_paused(plan_of(2)));
  d.give_back(1);
  EXPECT_EQ(d.pool.levels().in_use, 1U);
  EXPECT_EQ(d.pool.levels().idle, 1U) << "idle beside a waiter, and not closed";
  EXPECT_EQ(d.pool.levels().waiting, 1U);
  d.follow(plan_of(2));
  EXPECT_EQ(d.pool.levels().in_use, 2U);
  EXPECT_EQ(d.pool.levels().waiting, 0U);
}

} // namespace
} // namespace lab::pool
