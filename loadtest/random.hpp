// Random whole numbers from a seed, the same on every machine and build; the standard
// library's distributions are not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace lab::load {

// splitmix64: a counter and a mixer, so any seed is a good one. [one thread]
class Random {
public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }

  // 0 <= result < bound, for bounds up to 2^32: the high half of a product, so
  // that no bound is favoured noticeably and nothing is divided.
  std::uint64_t below(std::uint64_t bound) { return ((next() >> 32) * bound) >> 32; }

  // Every order is as likely as any other (Fisher and Yates).
  template <class Value> void shuffle(std::vector<Value> &values) {
    for (std::size_t left = values.size(); left > 1; --left)
      std::swap(values[left - 1], values[below(left)]);
  }

private:
  std::uint64_t state_;
};

} // namespace lab::load
