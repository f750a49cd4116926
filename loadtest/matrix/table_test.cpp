// What people read of a matrix is what the JSON says, each word with its sign.
#include "loadtest/matrix/table.hpp"

#include <gtest/gtest.h>

namespace lab::matrix {
namespace {

using nlohmann::json;

json ratio(const char *word) {
  return {{"measure", "ok_per_second"},
          {"blocks", 12},
          {"beyond", 0},
          {"p", 0.001},
          {"p_adjusted", 0.003},
          {"word", word},
          {"ratio", 0.5},
          {"low", 0.48},
          {"high", 0.521}};
}

TEST(MatrixTable, TellsAnEffectWithItsIntervalSignAndWord) {
  EXPECT_EQ(measure_text(ratio("worse")), "ok/s x0.5 (x0.48 to x0.521) ✗ worse");
  EXPECT_EQ(measure_text(ratio("inconclusive")), "ok/s x0.5 (x0.48 to x0.521) ? inconclusive");
  json points = {{"measure", "failed_percent"},
                 {"blocks", 12},
                 {"beyond", 0},
                 {"word", "same"},
                 {"points", 0.1},
                 {"low", -0.2},
                 {"high", 0.4}};
  EXPECT_EQ(measure_text(points), "failed +0.1 points (-0.2 to +0.4) = same");
}

TEST(MatrixTable, TellsWhatCantBeSaid) {
  json one = ratio("not judged");
  one["low"] = one["high"] = nullptr;
  EXPECT_EQ(measure_text(one), "ok/s x0.5");
  one["beyond"] = 2;
  one["ratio"] = nullptr;
  EXPECT_EQ(measure_text(one),
            "ok/s ? not judged (more than 1 % failed or were cut off in 2 blocks)");
  one["beyond"] = one["blocks"] = 0;
  EXPECT_EQ(measure_text(one), "ok/s ? no block yet");
}

TEST(MatrixTable, HasChanceFirstThenTheArmsThenThePairs) {
  const json spread = {{"median", 120}, {"min", 110}, {"max", 130}, {"cells", 12}};
  const json arm = {{"arm", "bounded_timeout"},
                    {"ok_per_second", spread},
                    {"p99_ms", nullptr},
                    {"failed_percent", spread},
                    {"max_open", spread},
                    {"connection_seconds", spread},
                    {"invalid", 1},
                    {"cells", 12}};
  const json pair = {{"a", "adaptive"}, {"b", "bounded_timeout"}, {"measures", {ratio("same")}}};
  const json twin = {
      {"a", "bounded_timeout.twin"}, {"b", "bounded_timeout"}, {"measures", {ratio("same")}}};
  const std::string text = table({{"profiles",
                                   {{{"profile", "hold"},
                                     {"what", "holds"},
                                     {"arms", {arm}},
                                     {"twins", {twin}},
                                     {"pairs", {pair}}}}}});
  const auto chance = text.find("by chance: bounded_timeout.twin against"), arms = text.find("120"),
             pairs = text.find("adaptive against bounded_timeout");
  EXPECT_LT(chance, arms);
  EXPECT_LT(arms, pairs);
  EXPECT_NE(text.find("? 1 of 12 prove nothing"), std::string::npos) << text;
}

} // namespace
} // namespace lab::matrix
