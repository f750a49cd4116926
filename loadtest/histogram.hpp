// Counts of durations in log-linear buckets, as HdrHistogram does it.
//
// Up to 127 ns each value has its own bucket; above, each power of two is split
// into 128. So any value is known to 0.8 % (its bucket's width; quantiles answer
// the middle, half of that), at a fixed size, and two histograms add up exactly.
// Quantiles of merged runs come from merged histograms, never from averages.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace lab::load {

// [one thread at a time]
class Histogram {
public:
  static constexpr int sub_bits = 7;
  static constexpr std::chrono::nanoseconds largest{(std::int64_t{1} << 42) - 1}; // 73 minutes

  Histogram();

  // Below 0 counts as 0, above `largest` as `largest`.
  void record(std::chrono::nanoseconds value, std::uint64_t times = 1);
  void merge(const Histogram &other);

  std::uint64_t count() const { return count_; }
  std::chrono::nanoseconds min() const; // exact; 0 when empty
  std::chrono::nanoseconds max() const; // exact; 0 when empty
  double mean_ms() const;               // exact; 0 when empty

  // The smallest value that at least `per_1000` of 1000 values don't exceed,
  // 0..1000, to 0.4 %. 0 when empty.
  std::chrono::nanoseconds quantile(int per_1000) const;

  // {"unit":"ns","count","min","max","sum","buckets":[[lower bound, count], ...]}
  nlohmann::json to_json() const;
  static Histogram from_json(const nlohmann::json &json); // throws nlohmann's exceptions

private:
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::int64_t sum_ = 0;
  std::int64_t min_ = 0;
  std::int64_t max_ = 0;
};

} // namespace lab::load
