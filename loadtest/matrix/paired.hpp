// Statistics of paired differences: one number a block, what an arm did less what another did
// in the same block. [any thread]
//
// Pairing is what makes a drifting machine harmless; orders that are drawn, each followed by its
// mirror image, take out what the place in a block does. The sign-flip test assumes what is left:
// blocks independent, differences symmetric about 0 where the two are equal (paired_test.cpp tries
// it on simulated drift). Why not others: a percentile bootstrap calls up to 16 % of equal pairs
// different below 20 blocks, an unpaired rank test finds half of what this one does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lab::matrix {

inline constexpr double level = 0.05; // of a p that tells a difference

struct Estimate {
  std::size_t blocks = 0;
  double mean = 0;          // of the differences
  double low = 0, high = 0; // its 95 % interval (Student's t); infinite below 2 blocks
  double p = 1;             // of "no difference", two-sided, by flipping signs (Fisher 1935)
};

// Fewer blocks can't reach p < 0.05 for any of that many pairs looked at together, whatever was
// measured: 2 / 2^6 is 0.031, 2 / 2^5 is not; of six pairs it takes 8, since Holm asks the
// clearest of them for 0.05 / 6.
constexpr std::size_t fewest_blocks(std::size_t pairs = 1) {
  std::size_t blocks = 1;
  while (static_cast<double>(pairs) * 2 >= level * static_cast<double>(std::uint64_t{1} << blocks))
    ++blocks;
  return blocks;
}

// At most 64 differences.
Estimate estimate(std::span<const double> differences);

// Two-sided p by flipping signs: exact up to 16 differences, above by 65,536 draws from a
// fixed seed. 1 when there is none.
double sign_flip_p(std::span<const double> differences);

// Half of the width of the mean's 95 % interval; infinite below two.
double half_width_95(std::span<const double> differences);

// Adjusted for that many were looked at together (Holm 1979): in the order given, never below
// the p itself, at most 1.
std::vector<double> holm(std::span<const double> p);

enum class Word {
  better,
  worse,
  same,         // the whole interval is within what matters
  inconclusive, // it may be more than what matters, or nothing
  not_judged    // too few blocks to tell any difference, for so many pairs
};
const char *word_text(Word word);

// `matters`: the smallest difference of interest, above 0. `more_is_better`: of the measure.
// A direction is told when p, adjusted, is below 0.05 and the interval leaves 0 out and is not
// wholly within what matters. `pairs`: so many p were adjusted for.
Word word_of(const Estimate &estimate, double adjusted_p, double matters, bool more_is_better,
             std::size_t pairs = 1);

} // namespace lab::matrix
