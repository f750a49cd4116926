#include "host/events/time_tally.hpp"

#include <chrono>

#include <gtest/gtest.h>

namespace lab::host {
namespace {

using namespace std::chrono_literals;

TEST(TimeTally, APercentileIsNeverTooLowAndAtMostThreePercentTooHigh) {
  for (const pool::Duration took :
       {1us, 31us, 32us, 33us, 999us, 50'000us, 200'000us, 5'000'000us, 1'000'000'000us}) {
    TimeTally tally;
    const auto before = tally.read();
    tally.note(took);
    const auto told = percentile(before, tally.read(), 0.99);
    ASSERT_TRUE(told);
    EXPECT_GE(*told, took);
    EXPECT_LE(*told, took + took / 31);
  }
}

TEST(TimeTally, OnlyWhatCameBetweenTwoReadingsCounts) {
  TimeTally tally;
  for (int i = 0; i < 100; ++i)
    tally.note(9s);
  const auto before = tally.read();
  for (int i = 0; i < 98; ++i)
    tally.note(10ms);
  tally.note(1s);
  tally.note(1s);
  const auto after = tally.read();
  EXPECT_LT(*percentile(before, after, 0.5), 11ms);
  EXPECT_LT(*percentile(before, after, 0.98), 11ms);
  EXPECT_GE(*percentile(before, after, 0.99), 1s);
  EXPECT_LT(*percentile(before, after, 0.99), 1100ms);
}

TEST(TimeTally, NothingNotedHasNoPercentile) {
  TimeTally tally;
  tally.note(1ms);
  EXPECT_FALSE(percentile(tally.read(), tally.read(), 0.5));
}

TEST(TimeTally, ExtremesHaveAPlaceToo) {
  TimeTally tally;
  const auto before = tally.read();
  tally.note(-1s);
  tally.note(std::chrono::hours(24 * 365));
  EXPECT_EQ(*percentile(before, tally.read(), 0.5), 0s);
  EXPECT_GT(*percentile(before, tally.read(), 1), 1h);
}

} // namespace
} // namespace lab::host
