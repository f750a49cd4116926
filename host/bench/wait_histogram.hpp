// Counts of waits in log-linear buckets: a value is known to 3 %, and recording
// one is an increment in an array. The Java side (hikari/Waits.java) does the same,
// so recording costs every pool the same. [one thread at a time]
#pragma once

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace lab::bench {

class WaitHistogram {
public:
  static constexpr int sub_bits = 5;
  static constexpr std::int64_t largest = (std::int64_t{1} << 40) - 1; // 18 minutes

  void record(std::chrono::nanoseconds wait, std::uint64_t times = 1) {
    const std::int64_t value = std::clamp<std::int64_t>(wait.count(), 0, largest);
    counts_[bucket_of(static_cast<std::uint64_t>(value))] += times;
    longest_ = std::max(longest_, value);
  }

  void merge(const WaitHistogram &other) {
    for (std::size_t i = 0; i < counts_.size(); ++i)
      counts_[i] += other.counts_[i];
    longest_ = std::max(longest_, other.longest_);
  }

  std::uint64_t count() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t n : counts_)
      sum += n;
    return sum;
  }
  std::chrono::nanoseconds max() const { return std::chrono::nanoseconds(longest_); } // exact

  // The smallest wait that `per_1000` of 1000 don't exceed: its bucket's middle. 0 when empty.
  std::chrono::nanoseconds quantile(std::uint64_t per_1000) const {
    const std::uint64_t wanted = std::max<std::uint64_t>(1, (count() * per_1000 + 999) / 1000);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen >= wanted)
        return std::chrono::nanoseconds(
            std::min<std::int64_t>((lower(i) + lower(i + 1)) / 2, longest_));
    }
    return {};
  }

private:
  static constexpr std::size_t half = std::size_t{1} << sub_bits;
  static constexpr std::size_t buckets = (40 - sub_bits + 1) * half;

  static std::size_t bucket_of(std::uint64_t value) {
    const int shift = std::max(0, static_cast<int>(std::bit_width(value)) - (sub_bits + 1));
    return (static_cast<std::size_t>(shift) << sub_bits) + (value >> shift);
  }
  static std::int64_t lower(std::size_t bucket) {
    if (bucket < 2 * half)
      return static_cast<std::int64_t>(bucket);
    return static_cast<std::int64_t>((bucket % half + half) << (bucket / half - 1));
  }

  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(buckets);
  std::int64_t longest_ = 0;
};

} // namespace lab::bench
