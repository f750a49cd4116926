#include "loadtest/server_timing.hpp"

#include <gtest/gtest.h>

namespace lab::load {
namespace {

TEST(ServerTiming, WaitAndHold) {
  const ServerTiming timing = parse_server_timing("wait;dur=1.234, hold;dur=50.123");
  EXPECT_EQ(timing.wait, 1'234'000);
  EXPECT_EQ(timing.hold, 50'123'000);
}

TEST(ServerTiming, WithoutAHold) {
  const ServerTiming timing = parse_server_timing("wait;dur=200");
  EXPECT_EQ(timing.wait, 200'000'000);
  EXPECT_EQ(timing.hold, -1);
}

TEST(ServerTiming, OthersAndOddSpellingsArePassedOver) {
  const ServerTiming timing =
      parse_server_timing("db;dur=3,\thold;desc=\"it\"; dur=0 ,,wait;dur=x, ;dur=1");
  EXPECT_EQ(timing.wait, -1);
  EXPECT_EQ(timing.hold, 0);
  for (const char *odd : {"", ",", ";", "wait", "wait;", "wait;dur", "wait;dur=", "wait;dur=-1",
                          "wait;dur=1e99", "wait;dur=nan", "wait;dur=1x2,"})
    parse_server_timing(odd);
  EXPECT_EQ(parse_server_timing("wait;dur=-1").wait, -1);
  EXPECT_EQ(parse_server_timing("wait;dur=nan").wait, -1);
}

} // namespace
} // namespace lab::load
