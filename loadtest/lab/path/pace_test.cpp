// What is asked of a machine that was too busy for a run.
#include <string>

#include <gtest/gtest.h>

#include "loadtest/lab/path/made_up.hpp"
#include "loadtest/lab/path/pace.hpp"

namespace lab::path {
namespace {

using nlohmann::json;

json invalid_for(const json &codes) {
  return {{"guards", {{"codes", codes}}}};
}

TEST(TooBusy, IsWhatASmallerLoadMayMend) {
  for (const char *code : {"not_sent", "lag", "generator_busy", "machine_busy"})
    EXPECT_TRUE(too_busy(invalid_for({code}))) << code;
  EXPECT_TRUE(too_busy(invalid_for({"strategy_changed", "lag"})));
  for (const char *code : {"nothing_sent", "database_away", "host_away", "no_answer",
                           "strategy_changed", "setting_changed", "marked"})
    EXPECT_FALSE(too_busy(invalid_for({code}))) << code;
  for (const json &damaged : {json(), json{{"guards", 3}}, invalid_for("lag"), invalid_for({3})})
    EXPECT_FALSE(too_busy(damaged)) << damaged;
}

TEST(Slower, IsByWhatOthersLeaveAndNeverTooSlow) {
  const auto others = [](double percent) {
    return json{{"guards", {{"others_percent", percent}}}};
  };
  EXPECT_EQ(slower(1, others(0)), 0.5) << "something was too much";
  EXPECT_EQ(slower(1, others(60)), 0.4);
  EXPECT_EQ(slower(1, others(95)), 0.25);
  EXPECT_EQ(slower(0.5, others(95)), 0.25) << "step 6 fails with less";
  EXPECT_EQ(slower(least_pace, json()), least_pace);
}

TEST(AsksForLess, WhereTheStepStatesWhatIsAsked) {
  const PlannedRun &open = real_step("gauges").runs.front();
  EXPECT_TRUE(asks_for_less(open, 0.5, {{"rate_asked", 20}}));
  EXPECT_FALSE(asks_for_less(open, 0.5, {{"rate_asked", 10}})) << "it asked for no more";
  EXPECT_FALSE(asks_for_less(open, 1, {{"rate_asked", 20}}));
  const PlannedRun &closed = real_step("break-small").runs.front();
  EXPECT_TRUE(asks_for_less(closed, 0.5, {{"rate_asked", nullptr}, {"hold_ms", 50}}));
  EXPECT_FALSE(asks_for_less(closed, 0.5, {{"rate_asked", nullptr}, {"hold_ms", 100}}));
  for (const char *name : {"break-big", "more-is-slower", "budget"})
    EXPECT_FALSE(asks_for_less(real_step(name).runs.front(), least_pace,
                               {{"rate_asked", nullptr}, {"hold_ms", 1000}}))
        << name;
}

} // namespace
} // namespace lab::path
