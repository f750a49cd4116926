// All pools under one kind of slice, in rounds.
//
// A round runs every pool once, one right after the other, in an order that is drawn
// anew. So the slices of a round see the same machine, and ratios within a round (paired)
// say more than ratios of medians. Google Benchmark asks for one pool at a time, in any
// order; the first that asks for a slice it has none of begins the next round.
// [one thread]
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "host/bench/contender.hpp"

namespace lab::bench {

class Comparison {
public:
  Comparison(std::string name, Slice slice, std::vector<Contender *> pools, std::uint32_t seed);

  const std::string &name() const { return name_; }
  const Slice &slice() const { return slice_; }
  const std::vector<Contender *> &pools() const { return pools_; }

  // Begins the next round if need be; the first one warms all pools up.
  const Measured &next(std::size_t pool);

  // Complete rounds so far.
  std::size_t rounds() const { return rounds_; }
  const Measured &of(std::size_t pool, std::size_t round) const { return measured_[pool][round]; }

private:
  void warm_up();

  std::string name_;
  Slice slice_;
  std::vector<Contender *> pools_;
  std::vector<std::vector<Measured>> measured_; // by pool, by round
  std::vector<std::size_t> taken_;              // by pool
  std::size_t rounds_ = 0;
  std::mt19937 random_;
};

} // namespace lab::bench
