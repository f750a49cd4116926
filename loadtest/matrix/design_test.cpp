// What is compared is comparable: every arm once in every block, under the same requests.
#include "loadtest/matrix/design.hpp"

#include <chrono>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace lab::matrix {
namespace {

Design design_of(int arms, int blocks) {
  Design design;
  design.profiles = {load::profile_named("hold"), load::profile_named("contended")};
  for (int i = 0; i < arms; ++i)
    design.arms.push_back({"arm" + std::to_string(i), "bounded_timeout"});
  design.blocks = blocks;
  return design;
}

TEST(Design, HasEveryArmOnceInEveryBlockUnderOneSeedAndTheBlocksOneAfterTheOther) {
  const Design design = design_of(5, 12);
  const std::vector<Cell> cells = cells_of(design);
  ASSERT_EQ(cells.size(), 2U * 5 * 12);
  std::map<std::pair<int, std::size_t>, std::set<std::size_t>> arms;
  std::map<std::pair<int, std::size_t>, std::set<std::uint64_t>> seeds;
  std::set<std::string> names;
  std::set<std::uint64_t> all_seeds;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const Cell &cell = cells[i];
    EXPECT_EQ(cell.block, static_cast<int>(i) / 10 + 1);
    arms[{cell.block, cell.profile}].insert(cell.arm);
    seeds[{cell.block, cell.profile}].insert(cell.seed);
    all_seeds.insert(cell.seed);
    names.insert(name_of(design, cell));
  }
  for (const auto &[block, found] : arms)
    EXPECT_EQ(found.size(), 5U);
  for (const auto &[block, found] : seeds)
    EXPECT_EQ(found.size(), 1U);
  EXPECT_EQ(all_seeds.size(), 24U) << "every block has its own";
  EXPECT_EQ(names.size(), cells.size());
  EXPECT_EQ(names.count("hold/arm0/block:12"), 1U);
}

TEST(Design, DrawsAnotherOrderInEachBlockAndTheSameFromTheSameSeed) {
  Design design = design_of(5, 60);
  const auto first_arms = [](const std::vector<Cell> &cells) {
    std::vector<std::size_t> first;
    for (std::size_t i = 0; i < cells.size(); i += 5)
      first.push_back(cells[i].arm);
    return first;
  };
  const std::vector<std::size_t> first = first_arms(cells_of(design));
  std::map<std::size_t, int> times;
  for (const std::size_t arm : first)
    ++times[arm];
  for (const auto &[arm, often] : times)
    EXPECT_GT(often, 10) << "arm " << arm << " of 120 blocks, 24 expected";
  EXPECT_EQ(first_arms(cells_of(design)), first);
  design.seed = 2;
  EXPECT_NE(first_arms(cells_of(design)), first);
}

TEST(Design, OfAnyTwoArmsHasEachFirstJustAsOften) {
  for (const int arms : {2, 3, 5}) {
    const std::vector<Cell> cells = cells_of(design_of(arms, 12));
    std::map<std::pair<std::size_t, std::size_t>, int> first;
    for (const Cell &a : cells)
      for (const Cell *b = &a + 1; b != cells.data() + cells.size(); ++b)
        if (a.block == b->block && a.profile == b->profile)
          ++first[{a.arm, b->arm}];
    EXPECT_EQ(first.size(), static_cast<std::size_t>(arms * (arms - 1)));
    for (const auto &[pair, times] : first)
      EXPECT_EQ(times, 12) << "of 24: " << pair.first << " before " << pair.second;
  }
}

TEST(Design, AHandicapIsOfTheSizeThatItSaysOrRefused) {
  using std::chrono::milliseconds;
  const auto holds = with_longer_holds(load::profile_named("drift"), 10).holds();
  const auto before = load::profile_named("drift").holds();
  ASSERT_EQ(holds.size(), before.size());
  EXPECT_GT(holds.size(), 1U) << "its stages have their own";
  for (std::size_t i = 0; i < holds.size(); ++i)
    EXPECT_EQ(holds[i], before[i] * 11 / 10);
  EXPECT_EQ(with_longer_holds(load::profile_named("mixed"), 10).slow_hold, milliseconds(330));
  const auto refused = [](const char *profile, int percent) {
    Design design = design_of(1, 1);
    design.profiles = {load::profile_named(profile)};
    design.arms.push_back(handicapped(design.arms[0], percent));
    EXPECT_THROW(check(design), std::invalid_argument) << profile << " " << percent;
  };
  refused("hold", 1);       // half a millisecond
  refused("contended", 10); // no holds
  refused("ceiling", 20);   // later than its deadline
}

TEST(Design, RefusesWhatStandsThereTwice) {
  Design design = design_of(2, 12);
  design.arms.push_back(design.arms[0]);
  EXPECT_THROW(check(design), std::invalid_argument);
  design.arms.back() = twin_of(design.arms[0]);
  EXPECT_NO_THROW(check(design));
  design.blocks = 65;
  EXPECT_THROW(check(design), std::invalid_argument);
}

} // namespace
} // namespace lab::matrix
