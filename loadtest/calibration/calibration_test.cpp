// What a calibration says is what was measured, and its capacity is what a profile may build on.
#include "loadtest/calibration/calibration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab::calibration {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

Curve contended() {
  const Usl law{1000, 0.03, 0.004};
  std::vector<Measured> measured;
  for (const int size : {64, 1, 8, 2, 32, 4, 16})
    measured.push_back({static_cast<double>(size), law.rate(size)});
  return curve_of("contend", measured);
}

TEST(Calibration, TriesNoMoreThanTheServerHasRoomFor) {
  EXPECT_THAT(sizes(97), ElementsAre(1, 2, 4, 8, 16, 32, 64));
  EXPECT_THAT(sizes(20), ElementsAre(1, 2, 4, 8, 16));
  EXPECT_THAT(sizes(1), ElementsAre(1));
}

TEST(Calibration, SaysWhereMoreStopsToHelp) {
  const json curve = json_of(contended());
  EXPECT_EQ(curve["sizes"][0]["size"], 1) << "sorted, in whatever order they were tried";
  EXPECT_NEAR(curve["usl"]["best_size"].get<double>(), 15.6, 0.1);
  EXPECT_THAT(text_of(curve),
              HasSubstr("By the law it gives most at about 16 connections; 64 give"));
  EXPECT_THAT(text_of(json_of(curve_of("hold", {{1, 20}, {2, 40}, {4, 80}}))),
              HasSubstr("More gives more"));
  EXPECT_THAT(text_of(json_of(curve_of("hold", {{1, 20}}))), HasSubstr("Too few sizes"));
}

TEST(Calibration, TellsTheCapacityOfAProfilesWork) {
  const json curves = json::array({json_of(contended())});
  load::Profile profile = load::profile_named("contended");
  const auto ten = capacity(curves, profile, 10);
  ASSERT_TRUE(ten);
  EXPECT_NEAR(*ten, (Usl{1000, 0.03, 0.004}.rate(10)), 15);
  EXPECT_FALSE(capacity(curves, load::profile_named("hold"), 10)) << "no such curve";
  profile.rows = 1;
  EXPECT_FALSE(capacity(curves, profile, 10)) << "a harder fight than the one measured";
}

TEST(Calibration, ReckonsOtherHoldsAndKnowsNothingOfOtherWork) {
  const json curves = json::array({json_of(curve_of("hold", {{1, 19}, {2, 38}, {4, 75}, {8, 150}})),
                                   json_of(curve_of("insert", {{1, 500}, {2, 900}, {4, 1500}}))});
  load::Profile profile;
  profile.cycle = {load::Route::hold_submit, load::Route::hold_claim};
  profile.hold = std::chrono::milliseconds(50);
  const auto of_50_ms = capacity(curves, profile, 8);
  ASSERT_TRUE(of_50_ms);
  profile.hold = std::chrono::milliseconds(200);
  EXPECT_NEAR(capacity(curves, profile, 8).value_or(0), *of_50_ms / 4, 1e-9);
  profile.slow_percent = 5;
  profile.slow_hold = std::chrono::milliseconds(300);
  EXPECT_FALSE(capacity(curves, profile, 8));
  profile.slow_percent = 0;
  profile.cycle = {load::Route::hold_submit, load::Route::submit_job};
  EXPECT_FALSE(capacity(curves, profile, 8));
  profile.cycle = {load::Route::submit_job};
  EXPECT_TRUE(capacity(curves, profile, 8));
  for (const load::Route route :
       {load::Route::touch, load::Route::next_job, load::Route::job_stats}) {
    profile.cycle = {route};
    EXPECT_FALSE(capacity(curves, profile, 8)) << load::route_name(route);
  }
}

TEST(Calibration, HasProfilesThatCanBeRun) {
  for (Work &work : works()) {
    work.profile.users = users_for(64);
    EXPECT_NO_THROW(load::check(work.profile)) << work.name;
  }
  EXPECT_EQ(users_for(1), 3);
  EXPECT_EQ(users_for(64), 80);
}

} // namespace
} // namespace lab::calibration
