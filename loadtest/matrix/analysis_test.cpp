// What a matrix says of its arms, on made-up cells.
#include "loadtest/matrix/analysis.hpp"

#include <cmath>

#include <gtest/gtest.h>

namespace lab::matrix {
namespace {

using nlohmann::json;

Design three_arms(int blocks) {
  Design design;
  design.profiles = {load::profile_named("hold")};
  const Arm good{"good", "good"};
  design.arms = {good, {"bad", "bad"}, twin_of(good)};
  design.blocks = blocks;
  return design;
}

// Each block has its own weather; the bad one gives half as much and is twice as slow.
std::vector<Finished> cells(const Design &design) {
  std::vector<Finished> all;
  for (const Cell &cell : cells_of(design)) {
    const double weather = 1 + 0.3 * std::sin(cell.block);
    const double noise =
        1 + 0.004 * std::sin(7.0 * cell.block + 3.0 * static_cast<double>(cell.arm));
    const bool bad = cell.arm == 1;
    all.push_back({cell, json{{"verdict", bad ? "fail" : "pass"},
                              {"rate", {{"ok", (bad ? 100 : 200) * weather * noise}}},
                              {"slo_p99_ms", (bad ? 100 : 50) / weather * noise},
                              {"latency_ms", {{"p50", 20}}},
                              {"failed_percent", 0.1},
                              {"pool", {{"connection_seconds", 50}, {"max_open", 10}}}}});
  }
  return all;
}

json measure(const json &pair, const std::string &name) {
  for (const json &one : pair.at("measures"))
    if (one.at("measure") == name)
      return one;
  return {};
}

json found(const Design &design, const std::vector<Finished> &finished) {
  return analyse(design, finished).at("profiles").at(0);
}

TEST(Analysis, TellsTheBadFromTheGoodAndTheTwinFromNeither) {
  const Design design = three_arms(12);
  const json profile = found(design, cells(design));
  ASSERT_EQ(profile.at("pairs").size(), 1U) << "a twin is compared with its arm alone";
  const json &pair = profile.at("pairs").at(0);
  EXPECT_EQ(pair.at("a"), "bad");
  EXPECT_EQ(pair.at("b"), "good");
  EXPECT_EQ(measure(pair, "ok_per_second").at("word"), "worse");
  EXPECT_NEAR(measure(pair, "ok_per_second").at("ratio").get<double>(), 0.5, 0.01);
  EXPECT_EQ(measure(pair, "p99_ms").at("word"), "worse");
  EXPECT_EQ(measure(pair, "failed_percent").at("word"), "same");
  ASSERT_EQ(profile.at("twins").size(), 1U);
  EXPECT_EQ(measure(profile.at("twins").at(0), "ok_per_second").at("word"), "same");
  EXPECT_EQ(profile.at("arms").at(0).at("ok_per_second").at("cells"), 12);
}

TEST(Analysis, OfOneBlockIsDescriptionOnly) {
  const Design design = three_arms(1);
  const json profile = found(design, cells(design));
  const json rate = measure(profile.at("pairs").at(0), "ok_per_second");
  EXPECT_EQ(rate.at("word"), "not judged");
  EXPECT_NEAR(rate.at("ratio").get<double>(), 0.5, 0.01);
  EXPECT_TRUE(rate.at("low").is_null());
}

TEST(Analysis, LeavesOutABlockWhoseCellProvesNothing) {
  const Design design = three_arms(12);
  std::vector<Finished> finished = cells(design);
  for (Finished &one : finished)
    if (one.cell.block == 3 && one.cell.arm == 1)
      one.summary["verdict"] = "invalid";
  const json profile = found(design, finished);
  EXPECT_EQ(measure(profile.at("pairs").at(0), "ok_per_second").at("blocks"), 11);
  EXPECT_EQ(measure(profile.at("twins").at(0), "ok_per_second").at("blocks"), 12);
  EXPECT_EQ(profile.at("arms").at(1).at("invalid"), 1);
}

TEST(Analysis, JudgesNoTimeThatSomeBlocksDoNotHave) {
  const Design design = three_arms(12);
  std::vector<Finished> finished = cells(design);
  for (Finished &one : finished)
    if (one.cell.block == 3 && one.cell.arm == 1)
      one.summary["slo_p99_ms"] = nullptr; // more than 1 % failed: the worst block of all
  const json p99 = measure(found(design, finished).at("pairs").at(0), "p99_ms");
  EXPECT_EQ(p99.at("word"), "not judged");
  EXPECT_EQ(p99.at("beyond"), 1);
  EXPECT_TRUE(p99.at("ratio").is_null());
}

TEST(Analysis, CountsABlockWithoutATimeAsBeyondAllOthers) {
  const Design design = three_arms(12);
  std::vector<Finished> finished = cells(design);
  const auto lose = [&](int from, int to) {
    for (Finished &one : finished)
      if (one.cell.arm == 1 && one.cell.block >= from && one.cell.block <= to)
        one.summary["slo_p99_ms"] = nullptr;
    return found(design, finished).at("arms").at(1).at("p99_ms");
  };
  const json all = found(design, finished).at("arms").at(1).at("p99_ms");
  EXPECT_EQ(all.at("beyond"), 0);
  const json some = lose(1, 4);
  EXPECT_GE(some.at("median").get<double>(), all.at("median").get<double>());
  EXPECT_TRUE(some.at("max").is_null());
  EXPECT_EQ(some.at("cells"), 12);
  EXPECT_EQ(some.at("beyond"), 4);
  EXPECT_TRUE(lose(5, 7).at("median").is_null()) << "seven of twelve";
}

TEST(Analysis, OfAMatrixThatHasHardlyBegunSaysSo) {
  const Design design = three_arms(12);
  const json profile = found(design, {});
  EXPECT_TRUE(profile.at("arms").at(0).at("ok_per_second").is_null());
  EXPECT_EQ(measure(profile.at("pairs").at(0), "p99_ms").at("blocks"), 0);
}

} // namespace
} // namespace lab::matrix
