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

TEST(Calibration, TellsTheCapacityOfARoutesWork) {
  const json curves = json::array({json_of(contended())});
  const auto ten = capacity(curves, load::Route::contend, 10);
  ASSERT_TRUE(ten);
  EXPECT_NEAR(*ten, (Usl{1000, 0.03, 0.004}.rate(10)), 15);
  EXPECT_FALSE(capacity(curves, load::Route::hold_claim, 10));
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
