#include "loadtest/matrix/design.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <set>
#include <stdexcept>

#include <fmt/format.h>

#include "loadtest/random.hpp"

namespace lab::matrix {

Arm twin_of(const Arm &arm) {
  Arm twin = arm;
  twin.name += ".twin";
  return twin;
}

Arm handicapped(const Arm &arm, int longer_hold_percent) {
  Arm other = arm;
  other.name += fmt::format(".longer{}", longer_hold_percent);
  other.longer_hold_percent = longer_hold_percent;
  return other;
}

load::Profile with_longer_holds(load::Profile profile, int percent) {
  if (percent == 0)
    return profile;
  bool any = false;
  const auto lengthen = [&](std::chrono::milliseconds &hold) {
    if (hold.count() * percent % 100 != 0)
      throw std::invalid_argument(fmt::format(
          "{} % of a hold of {} ms, in {}, is no whole number of milliseconds: take another",
          percent, hold.count(), profile.name));
    any = any || hold.count() > 0;
    hold += hold * percent / 100;
  };
  lengthen(profile.hold);
  lengthen(profile.slow_hold);
  for (load::Stage &stage : profile.stages)
    if (stage.hold)
      lengthen(*stage.hold);
  if (!any)
    throw std::invalid_argument(
        fmt::format("{} states no holds that could be longer", profile.name));
  load::check(profile);
  return profile;
}

void check(const Design &design) {
  if (design.profiles.empty() || design.arms.empty())
    throw std::invalid_argument("a matrix needs a profile and a strategy");
  if (design.blocks < 1 || design.blocks > max_blocks)
    throw std::invalid_argument(
        fmt::format("a matrix has 1 to {} blocks, not {}", max_blocks, design.blocks));
  std::set<std::string> names;
  for (const Arm &arm : design.arms)
    if (!names.insert(arm.name).second)
      throw std::invalid_argument(fmt::format("{} stands there twice", arm.name));
  names.clear();
  for (const load::Profile &profile : design.profiles)
    if (!names.insert(profile.name).second)
      throw std::invalid_argument(fmt::format("profile {} stands there twice", profile.name));
  for (const Arm &arm : design.arms)
    for (const load::Profile &profile : design.profiles)
      (void)with_longer_holds(profile, arm.longer_hold_percent);
}

std::vector<Cell> cells_of(const Design &design) {
  check(design);
  load::Random random(design.seed);
  std::vector<Cell> cells;
  std::vector<std::vector<std::size_t>> orders(design.profiles.size());
  for (int block = 1; block <= design.blocks; ++block)
    for (std::size_t profile = 0; profile < design.profiles.size(); ++profile) {
      std::vector<std::size_t> &order = orders[profile];
      if (block % 2 == 0) {
        std::reverse(order.begin(), order.end());
      } else {
        order.resize(design.arms.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        random.shuffle(order);
      }
      const std::uint64_t seed = random.next() >> 11; // exact also as a JSON number
      for (const std::size_t arm : order)
        cells.push_back({profile, arm, block, seed});
    }
  return cells;
}

std::string name_of(const Design &design, const Cell &cell) {
  return fmt::format("{}/{}/block:{}", design.profiles.at(cell.profile).name,
                     design.arms.at(cell.arm).name, cell.block);
}

} // namespace lab::matrix
