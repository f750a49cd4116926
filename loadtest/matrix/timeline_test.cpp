// The report's picture of a run: one host's as it was, several hosts' together.
#include "loadtest/matrix/timeline.hpp"

#include <gtest/gtest.h>

namespace lab::matrix {
namespace {

using nlohmann::json;

json look(int t_ms, int port, int in_use, const char *said) {
  return {{"t_ms", t_ms},
          {"kind", "pool"},
          {"port", port},
          {"pool",
           {{"in_use", in_use},
            {"waiting", 0},
            {"open", in_use + 1},
            {"plan", {{"max_in_use", 10}}},
            {"explain", said}}}};
}

TEST(MatrixTimeline, OfOneHostIsWhatItDid) {
  const json all = drawn(
      {{{"t_ms", 0}, {"kind", "strategy"}, {"port", 3000}, {"strategy", "mine"}, {"state", "ok"}},
       look(0, 3000, 2, "calm"),
       look(250, 3000, 5, "calm"),
       look(500, 3000, 7, "busy")});
  EXPECT_EQ(all.at("t_ms"), json({0, 250, 500}));
  EXPECT_EQ(all.at("in_use"), json({2, 5, 7}));
  EXPECT_EQ(all.at("open"), json({3, 6, 8}));
  EXPECT_EQ(all.at("limit"), json({10, 10, 10}));
  EXPECT_EQ(all.at("said"), json::parse(R"([[0,"calm"],[500,"busy"]])"));
  EXPECT_EQ(all.at("events"), json::parse(R"json([[0,"mine (ok)"]])json"));
}

TEST(MatrixTimeline, OfTwoHostsIsTheirSumAndWhatEachSaid) {
  // They are asked together, and answer in any order; the second one ends.
  const json all =
      drawn({look(0, 3000, 2, "calm"), look(0, 3001, 3, "calm"), look(250, 3001, 5, "busy"),
             look(250, 3000, 4, "calm"), look(500, 3000, 6, "calm")});
  EXPECT_EQ(all.at("t_ms"), json({0, 250, 500}));
  EXPECT_EQ(all.at("in_use"), json({5, 9, 11}));
  EXPECT_EQ(all.at("limit"), json({20, 20, 20}));
  EXPECT_EQ(all.at("said"),
            json::parse(R"json([[0,"3000: calm"],[0,"3001: calm"],[250,"3001: busy"]])json"));
}

} // namespace
} // namespace lab::matrix
