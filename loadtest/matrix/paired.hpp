// Statistics of paired differences: one number a block, what an arm did less what another did
// in the same block. [any thread]
//
// Pairing is what makes a drifting machine harmless, and the order inside a block is drawn, so
// under "no difference" each block's sign is a fair coin: the sign-flip test needs no other
// assumption. Why not others: a percentile bootstrap calls up to 16 % of equal pairs different
// below 20 blocks, an unpaired rank test finds half of what this one does.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace lab::matrix {

struct Estimate {
  std::size_t blocks = 0;
  double mean = 0;          // of the differences
  double low = 0, high = 0; // its 95 % interval (Student's t); infinite below 2 blocks
  double p = 1;             // of "no difference", two-sided, by flipping signs (Fisher 1935)
};

// Fewer blocks can't reach p < 0.05, whatever was measured: 2 / 2^6 is 0.031, 2 / 2^5 is not.
inline constexpr std::size_t fewest_blocks = 6;

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
  not_judged    // too few blocks
};
const char *word_text(Word word);

// `matters`: the smallest difference of interest, above 0. `more_is_better`: of the measure.
// A direction is told when p, adjusted, is below 0.05 and the interval leaves 0 out and is not
// wholly within what matters.
Word word_of(const Estimate &estimate, double adjusted_p, double matters, bool more_is_better);

} // namespace lab::matrix
