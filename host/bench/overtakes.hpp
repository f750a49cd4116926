// How often a request was served before one that had asked earlier.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "host/bench/contender.hpp"

namespace lab::bench {

// Pairs in which the later one got its connection first, each by more than `margin`.
// What threads note for themselves lies outside the pool: before its lock, and after they
// woke up. Pairs closer than that prove nothing, so they need a margin.
std::uint64_t overtakes(std::vector<Moment> moments, std::chrono::nanoseconds margin);

} // namespace lab::bench
