// The design of an experiment: which cells are run, in which order, with which seeds.
//
// Randomised complete blocks. What a machine gives drifts by tens of percent in minutes, so
// strategies are compared only inside a block: there each of them runs once, one after the
// other, under the very same requests, in an order drawn anew. [any thread]
#pragma once

#include "loadtest/profile.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace lab::matrix {

// One of those compared. The same strategy may stand in two arms.
struct Arm {
  std::string name; // "bounded_timeout", "bounded_timeout.twin"
  std::string strategy;
  std::map<std::string, double> params = {};
  int longer_hold_percent = 0; // its requests hold their connection that much longer: 0..100

  bool operator==(const Arm &) const = default;
};

// A twin: what differs between the two is chance, and shows how much chance there is.
Arm twin_of(const Arm &arm);

// The same arm, with a flaw of a known size: shows what the matrix is able to find.
Arm handicapped(const Arm &arm, int longer_hold_percent);

// The profile with all its holds so much longer. Throws std::invalid_argument, one line, where
// it has none, where they would be no whole milliseconds, or too long for the profile.
load::Profile with_longer_holds(load::Profile profile, int percent);

struct Design {
  std::vector<load::Profile> profiles;
  std::vector<Arm> arms;
  int blocks = 1; // 1..max_blocks
  std::uint64_t seed = 1;
};
inline constexpr int max_blocks = 64;

struct Cell {
  std::size_t profile = 0; // of the design
  std::size_t arm = 0;     // of the design
  int block = 1;           // from 1 on
  std::uint64_t seed = 0;  // of its requests: the same in all arms of a block and profile
};

// Throws std::invalid_argument, one line, when an arm stands there twice, or blocks are out of
// their range.
void check(const Design &design);

// All cells in the order in which they are run: block by block, in each profile by profile.
// Every second block has the order of the one before it turned round, so that of no two arms one
// is first more often (of an odd number of blocks, once more).
std::vector<Cell> cells_of(const Design &design);

// "hold/fixed_tiny/block:3"
std::string name_of(const Design &design, const Cell &cell);

} // namespace lab::matrix
