// How long things took, counted so that the last second's percentiles can be
// told: 32 buckets for each doubling, so a percentile is at most 3 % too high.
// Counting costs one atomic addition. [any thread]
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "host/pool/time.hpp"

namespace lab::host {

class TimeTally {
public:
  static constexpr std::size_t buckets = std::size_t{32} * 28; // from 1 us to more than an hour
  using Counts = std::array<std::uint64_t, buckets>;

  void note(pool::Duration took) {
    counts_[bucket_of(took)].fetch_add(1, std::memory_order_relaxed);
  }

  // Since the start. For differences: no two buckets are of quite the same moment.
  Counts read() const;

private:
  static std::size_t bucket_of(pool::Duration took);
  std::array<std::atomic<std::uint64_t>, buckets> counts_{};
};

// Of what was noted between two readings: the time that `share` (0 to 1) of it did
// not exceed. Nothing when nothing was noted.
std::optional<pool::Duration> percentile(const TimeTally::Counts &before,
                                         const TimeTally::Counts &after, double share);

} // namespace lab::host
