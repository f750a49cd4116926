// What the machine gives is measured on a whole lab, kept, and used.
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "loadtest/lab/test_lab.hpp"

namespace lab::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;

TEST(Calibrate, KeepsWhatThisMachineGivesAndLoadsTakeTheirRateFromIt) {
  const TestLab lab;
  const auto without = lab.lab({"load", "contended", "--model", "open", "--seconds", "1"});
  EXPECT_EQ(without.status, 64) << without.out;
  EXPECT_THAT(without.err, HasSubstr("scripts/lab calibrate"));

  const auto ended = lab.lab({"calibrate", "--seconds", "0.5", "--json"});
  ASSERT_EQ(ended.status, 0) << ended.err;
  const json told = json::parse(ended.out);
  std::ifstream kept(lab.places().calibration());
  EXPECT_EQ(json::parse(kept), told);
  ASSERT_EQ(told["curves"].size(), 3U);
  const json &hold = told["curves"][0];
  EXPECT_EQ(hold["work"], "hold");
  EXPECT_EQ(hold["sizes"].size(), 7U) << "1, 2, 4, ... 64: " << hold;
  // A connection that is held for 50 ms gives 20 a second, on any machine.
  for (const json &one : hold["sizes"]) {
    if (one["size"] <= 16) {
      EXPECT_NEAR(one["ok_per_second"].get<double>(), one["size"].get<double>() * 19,
                  one["size"].get<double>() * 4);
    }
  }
  EXPECT_EQ(lab.host().strategy()["name"], "fixed_tiny") << "what was in use before";

  const auto with = lab.lab(
      {"load", "contended", "--model", "open", "--seconds", "1", "--warm-up", "0", "--json"});
  EXPECT_NE(with.status, 64) << with.err;
  const json summary = json::parse(with.out);
  EXPECT_EQ(summary["model"], "open");
  EXPECT_GT(summary["rate"]["offered"], 50);
}

} // namespace
} // namespace lab::cli
