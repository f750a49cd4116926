// Two runs are told apart by what was asked of them before by what came of them.
#include "loadtest/two_runs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab::load {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

StoredRun run(const char *strategy, int rate, double ok, const json &p99) {
  StoredRun run;
  run.run = {{"asked", {{"profile", "hold"}, {"rate", rate}, {"ports", {3000}}}},
             {"schedule", rate == 120 ? "00000000000000aa" : "00000000000000bb"},
             {"machine", {{"cores", 2}}},
             {"facts", {{"postgres", {{"max_connections", 100}}}}}};
  run.summary = {{"strategy", strategy}, {"params", json::object()},
                 {"profile", "hold"},    {"verdict", "pass"},
                 {"grade", "green"},     {"why", "All well."},
                 {"rate", {{"ok", ok}}}, {"slo_p99_ms", p99},
                 {"failed_percent", 0},  {"latency_ms", {{"p50", 50}, {"p99", p99}}}};
  return run;
}

std::string text(const json &compared) {
  return two_runs_text(compared, {});
}

TEST(TwoRuns, OfTheSameRequestsAreSaidToBe) {
  const json compared =
      compare_runs(run("fixed_tiny", 120, 60, 1000), run("adaptive", 120, 120, 100));
  ASSERT_EQ(compared["differs"].size(), 1U) << compared["differs"];
  EXPECT_EQ(compared["ok_per_second_ratio"], 0.5);
  EXPECT_EQ(compared["p99_ratio"], 10);
  EXPECT_THAT(text(compared), HasSubstr("they differ in strategy: fixed_tiny and adaptive"));
  EXPECT_THAT(text(compared), HasSubstr("the very same requests"));
  EXPECT_THAT(text(compared), HasSubstr("x0.5 of its ok/s, x10 of its p99, +0 points failed"));
}

TEST(TwoRuns, OfOtherLoadsAreNotTakenForAComparison) {
  const json compared =
      compare_runs(run("adaptive", 240, 200, nullptr), run("adaptive", 120, 120, 100));
  EXPECT_THAT(text(compared), HasSubstr("they differ in rate: 240 and 120"));
  EXPECT_THAT(text(compared), HasSubstr("They got different requests"));
  EXPECT_TRUE(compared["p99_ratio"].is_null());
  EXPECT_THAT(text(compared), Not(HasSubstr("of its p99")));
}

} // namespace
} // namespace lab::load
