#include "loadtest/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include <nlohmann/json.hpp>

namespace lab::load {
namespace {

using std::chrono::nanoseconds;

// Values over all magnitudes, the same at every run.
std::vector<std::int64_t> made_up_values(int count) {
  std::vector<std::int64_t> values;
  std::uint64_t state = 12345;
  for (int i = 0; i < count; ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    values.push_back(static_cast<std::int64_t>((state >> 20) >> (state >> 59)));
  }
  return values;
}

TEST(Histogram, EveryValueIsKnownToOnePercent) {
  for (std::int64_t value = 1; value < Histogram::largest.count(); value += value / 37 + 1) {
    Histogram histogram;
    histogram.record(nanoseconds(value), 2);
    histogram.record(Histogram::largest); // so that the bounds don't give it away
    histogram.record(nanoseconds(0));
    const auto found = static_cast<double>(histogram.quantile(500).count());
    ASSERT_NEAR(found, static_cast<double>(value), 0.0040 * static_cast<double>(value) + 0.5)
        << value;
  }
}

TEST(Histogram, QuantilesAgreeWithSorting) {
  std::vector<std::int64_t> values = made_up_values(50'000);
  Histogram histogram;
  for (const std::int64_t value : values)
    histogram.record(nanoseconds(value));
  std::sort(values.begin(), values.end());
  for (const int q : {1, 100, 500, 900, 990, 999}) {
    const auto exact =
        static_cast<double>(values[values.size() * static_cast<std::size_t>(q) / 1000 - 1]);
    EXPECT_NEAR(static_cast<double>(histogram.quantile(q).count()), exact, 0.01 * exact + 1) << q;
  }
  EXPECT_EQ(histogram.min().count(), values.front());
  EXPECT_EQ(histogram.max().count(), values.back());
  EXPECT_EQ(histogram.quantile(1000), histogram.max());
}

TEST(Histogram, MergingIsTheSameAsRecordingAll) {
  const std::vector<std::int64_t> values = made_up_values(10'000);
  Histogram whole;
  Histogram parts[3];
  for (std::size_t i = 0; i < values.size(); ++i) {
    whole.record(nanoseconds(values[i]));
    parts[i % 2].record(nanoseconds(values[i])); // the third stays empty
  }
  Histogram merged;
  for (const Histogram &part : parts)
    merged.merge(part);
  EXPECT_EQ(merged.to_json(), whole.to_json());
}

TEST(Histogram, ComesBackFromJson) {
  Histogram histogram;
  for (const std::int64_t value : made_up_values(1'000))
    histogram.record(nanoseconds(value));
  EXPECT_EQ(Histogram::from_json(histogram.to_json()).to_json(), histogram.to_json());
  EXPECT_EQ(Histogram::from_json(Histogram().to_json()).count(), 0U);
}

TEST(Histogram, EmptyAndExtremesAreFine) {
  Histogram histogram;
  EXPECT_EQ(histogram.quantile(990).count(), 0);
  EXPECT_EQ(histogram.mean_ms(), 0);
  histogram.record(nanoseconds(-5));
  histogram.record(std::chrono::hours(24));
  EXPECT_EQ(histogram.min().count(), 0);
  EXPECT_EQ(histogram.max(), Histogram::largest);
  EXPECT_EQ(histogram.count(), 2U);
}

} // namespace
} // namespace lab::load
