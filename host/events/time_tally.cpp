#include "host/events/time_tally.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>

namespace lab::host {
namespace {

using std::chrono::microseconds;

constexpr unsigned fraction_bits = 5;
constexpr std::uint64_t per_octave = 1U << fraction_bits;

// The largest time that belongs to a bucket.
pool::Duration upper_end(std::size_t bucket) {
  if (bucket < per_octave)
    return microseconds(bucket);
  const std::size_t shift = bucket / per_octave - 1;
  const std::uint64_t top = per_octave + bucket % per_octave;
  return microseconds(((top + 1) << shift) - 1);
}

} // namespace

// Whole microseconds below 32 have a bucket each; above, the leading six bits tell.
std::size_t TimeTally::bucket_of(pool::Duration took) {
  const auto us = std::chrono::duration_cast<microseconds>(took).count();
  const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(us, 0));
  if (value < per_octave)
    return static_cast<std::size_t>(value);
  const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - fraction_bits;
  const std::size_t bucket = (shift + 1) * per_octave + ((value >> shift) - per_octave);
  return std::min(bucket, buckets - 1);
}

TimeTally::Counts TimeTally::read() const {
  Counts counts{};
  for (std::size_t i = 0; i < buckets; ++i)
    counts[i] = counts_[i].load(std::memory_order_relaxed);
  return counts;
}

std::optional<pool::Duration> percentile(const TimeTally::Counts &before,
                                         const TimeTally::Counts &after, double share) {
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < TimeTally::buckets; ++i)
    all += after[i] - before[i];
  if (all == 0)
    return std::nullopt;
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(all)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < TimeTally::buckets; ++i) {
    seen += after[i] - before[i];
    if (seen >= std::max<std::uint64_t>(wanted, 1))
      return upper_end(i);
  }
  return std::nullopt;
}

} // namespace lab::host
