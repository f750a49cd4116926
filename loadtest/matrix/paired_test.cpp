// The statistics of the matrix: known values, and how often they are wrong on a machine that
// drifts as real ones do.
#include "loadtest/matrix/paired.hpp"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "loadtest/matrix/design.hpp"

namespace lab::matrix {
namespace {

using Numbers = std::vector<double>;

TEST(SignFlip, CountsTheFlipsThatGoAsFar) {
  EXPECT_DOUBLE_EQ(sign_flip_p(Numbers{1, 2, 3, 4, 5, 6}), 2.0 / 64);
  EXPECT_DOUBLE_EQ(sign_flip_p(Numbers{1, 2, 3, 4, 5, -1}), 6.0 / 64)
      << "14 and 16: by 1, 1 or both";
  EXPECT_DOUBLE_EQ(sign_flip_p(Numbers{1, -1}), 1);
  EXPECT_DOUBLE_EQ(sign_flip_p(Numbers{}), 1);
  EXPECT_DOUBLE_EQ(sign_flip_p(Numbers{0, 0, 0}), 1);
  EXPECT_DOUBLE_EQ(sign_flip_p(Numbers{0.1, 0.2, 0.3}), 2.0 / 8) << "whatever the order of a sum";
}

TEST(SignFlip, OfManyBlocksIsDrawnAndNearlyExact) {
  Numbers sixteen, seventeen;
  for (int i = 1; i <= 16; ++i)
    sixteen.push_back(i % 4 == 0 ? -i : i);
  seventeen = sixteen;
  seventeen.push_back(0); // changes nothing but the way it is reckoned
  EXPECT_NEAR(sign_flip_p(seventeen), sign_flip_p(sixteen), 0.01);
  EXPECT_LT(sign_flip_p(Numbers(24, 1.0)), 0.0001);
}

TEST(Interval, IsStudents) {
  // Mean 3, standard deviation 1.5811, t of 4 degrees 2.7764: tables agree.
  EXPECT_NEAR(half_width_95(Numbers{1, 2, 3, 4, 5}), 1.9632, 0.0001);
  EXPECT_EQ(half_width_95(Numbers{1}), std::numeric_limits<double>::infinity());
  const Estimate one = estimate(Numbers{1, 2, 3, 4, 5});
  EXPECT_DOUBLE_EQ(one.mean, 3);
  EXPECT_NEAR(one.low, 1.0368, 0.0001);
}

TEST(Holm, PaysForEachThatWasLookedAt) {
  EXPECT_EQ(holm(Numbers{0.01, 0.04, 0.03}), (Numbers{0.03, 0.06, 0.06}));
  EXPECT_EQ(holm(Numbers{0.5, 0.9}), (Numbers{1, 1}));
  EXPECT_TRUE(holm(Numbers{}).empty());
}

TEST(Words, SayNoMoreThanTheIntervalDoes) {
  const auto word = [](double low, double high, double p, std::size_t blocks = 12) {
    return word_of({blocks, (low + high) / 2, low, high, p}, p, 0.05, true);
  };
  EXPECT_EQ(word(0.06, 0.20, 0.001), Word::better);
  EXPECT_EQ(word(-0.20, -0.06, 0.001), Word::worse);
  EXPECT_EQ(word(0.01, 0.20, 0.001), Word::better) << "how much is open, which way is not";
  EXPECT_EQ(word(-0.04, 0.04, 0.9), Word::same);
  EXPECT_EQ(word(0.01, 0.04, 0.001), Word::same) << "there is a difference, and it does not matter";
  EXPECT_EQ(word(-0.10, 0.10, 0.9), Word::inconclusive);
  EXPECT_EQ(word(0.06, 0.20, 0.08), Word::inconclusive) << "of so many pairs, one looks like that";
  EXPECT_EQ(word(0.06, 0.20, 0.06, 5), Word::not_judged);
  EXPECT_EQ(word_of({12, 1, 0.5, 1.5, 0.001}, 0.001, 0.05, false), Word::worse) << "less is better";
}

TEST(Words, NeedMoreBlocksWhereMorePairsAreLookedAt) {
  EXPECT_EQ(fewest_blocks(), 6U);
  EXPECT_EQ(fewest_blocks(6), 8U);
  EXPECT_EQ(fewest_blocks(10), 9U);
  // As clear as it can be: the same sign in all blocks.
  const auto clearest = [](std::size_t blocks, std::size_t pairs) {
    const Estimate e = estimate(Numbers(blocks, 1));
    std::vector<double> p(pairs, 1);
    p[0] = e.p;
    return word_of(e, holm(p)[0], 0.05, true, pairs);
  };
  EXPECT_EQ(clearest(7, 6), Word::not_judged) << "not 'inconclusive': nothing could have been told";
  EXPECT_EQ(clearest(8, 6), Word::better);
  EXPECT_EQ(word_of({8, 0, -0.10, 0.10, 0.9}, 1, 0.05, true, 6), Word::inconclusive);
  EXPECT_EQ(word_of({7, 0, -0.04, 0.04, 0.9}, 1, 0.05, true, 6), Word::same);
}

// What a shared machine gives, in logarithms: a drift from cell to cell (AR(1), 0.9, 15 %), and
// noise of each cell's own (6 %).
class Machine {
public:
  explicit Machine(std::uint64_t seed) : random_(seed), drift_(0.15 * normal_(random_)) {}

  double next_cell() {
    drift_ = 0.9 * drift_ + 0.15 * std::sqrt(1 - 0.9 * 0.9) * normal_(random_);
    return drift_ + 0.06 * normal_(random_);
  }

private:
  std::mt19937_64 random_;
  std::normal_distribution<double> normal_;
  double drift_;
};

// Arm 1 less arm 0, block by block, as the design orders them on that machine.
Numbers differences(int arms, int blocks, double effect, std::uint64_t seed) {
  Design design;
  design.profiles = {load::profile_named("hold")};
  for (int i = 0; i < arms; ++i)
    design.arms.push_back({fmt::format("arm{}", i), "bounded_timeout"});
  design.blocks = blocks;
  design.seed = seed;
  Machine machine(seed);
  Numbers all(static_cast<std::size_t>(blocks));
  for (const Cell &cell : cells_of(design)) {
    const double given = machine.next_cell();
    double &difference = all[static_cast<std::size_t>(cell.block - 1)];
    if (cell.arm == 0)
      difference -= given;
    if (cell.arm == 1)
      difference += given + effect;
  }
  return all;
}

constexpr double ten_percent = 0.0953; // ln 1.1

double found_percent(int pairs, int arms, int blocks, double effect) {
  int found = 0;
  for (int pair = 0; pair < pairs; ++pair)
    if (sign_flip_p(differences(arms, blocks, effect, static_cast<std::uint64_t>(pair) + 1)) < 0.05)
      ++found;
  return 100.0 * found / pairs;
}

TEST(OnADriftingMachine, FewTwinsAreCalledDifferent) {
  for (const int arms : {2, 5}) {
    const double wrong = found_percent(2000, arms, 12, 0);
    fmt::print("A/A, {} arms, 12 blocks: {:.2f} % of 2,000 pairs called different\n", arms, wrong);
    EXPECT_LE(wrong, 6.5);
    EXPECT_GE(wrong, 2) << "it must be able to be wrong";
  }
}

TEST(OnADriftingMachine, TenPercentAreFoundInMostDuels) {
  const double found = found_percent(2000, 2, 12, ten_percent);
  fmt::print("10 % more, 12 blocks: found in {:.1f} % of 2,000 duels\n", found);
  EXPECT_GE(found, 75);
}

TEST(OnADriftingMachine, TheIntervalHoldsTheTruthAsOftenAsItSays) {
  int held = 0;
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    const Estimate e = estimate(differences(5, 12, ten_percent, seed));
    held += e.low <= ten_percent && ten_percent <= e.high ? 1 : 0;
  }
  EXPECT_NEAR(held / 20.0, 95, 1.5);
}

} // namespace
} // namespace lab::matrix
