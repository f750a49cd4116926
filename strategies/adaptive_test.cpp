// The law of adaptive against four loads, through the real library. What is
// asserted holds for every seed tried.

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "plugins/loader/library.hpp"
#include "strategies/test_pool_model.hpp"

namespace lab::plugin {
namespace {

constexpr std::uint64_t seeds[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

// Requests a second at each number of transactions that fight over five rows:
// the shape measured on PostgreSQL 15, two cores.
double contended_rate(double n) {
  static const std::vector<std::pair<double, double>> curve = {
      {1, 1500}, {2, 2683}, {4, 3662}, {10, 3041}, {30, 1973}, {60, 1336}, {95, 774}, {1000, 100}};
  for (std::size_t i = 1; i < curve.size(); ++i)
    if (n <= curve[i].first) {
      const auto &[x0, y0] = curve[i - 1];
      const auto &[x1, y1] = curve[i];
      return y0 + (y1 - y0) * (n - x0) / (x1 - x0);
    }
  return 100;
}

double noise(double share, std::mt19937_64 &random) {
  return std::uniform_real_distribution<double>(1 - share, 1 + share)(random);
}

// A stretch of `slow_by` on average, as on a machine with other work to do.
Load hold_load(double rate, double slow_by = 0) {
  Load load;
  load.rate = rate;
  load.hold = [slow_by](unsigned, std::mt19937_64 &random) {
    return 0.050 * noise(0.15, random) * (1 + slow_by * noise(1, random));
  };
  return load;
}

Load contended_load(double slower = 1) {
  Load load;
  load.users = 100;
  load.hold = [slower](unsigned n, std::mt19937_64 &random) {
    return slower * n / contended_rate(n) * noise(0.2, random);
  };
  return load;
}

struct Sum {
  double asked = 0, ended = 0, lost = 0, limit = 0, seconds = 0;
  double lost_share() const { return asked == 0 ? 0 : lost / asked; }
  double rate() const { return ended / seconds; }
  double mean_limit() const { return limit / (seconds * 10); }
};

Sum over(const PoolModel &model, double from, double to) {
  Sum sum;
  sum.seconds = to - from;
  for (auto i = static_cast<std::size_t>(from * 10 + 0.5);
       i < std::min(model.slices().size(), static_cast<std::size_t>(to * 10 + 0.5)); ++i) {
    const Slice &slice = model.slices()[i];
    sum.asked += slice.asked;
    sum.ended += slice.ended;
    sum.lost += slice.timed_out + slice.refused;
    sum.limit += slice.limit;
  }
  return sum;
}

// For a person who looks why a law fails: limit/in use, each tenth of a second.
std::string history(const PoolModel &model) {
  std::string text;
  for (const Slice &slice : model.slices())
    text += std::to_string(slice.limit) + "/" + std::to_string(slice.in_use) + " ";
  return text;
}

class Adaptive : public testing::Test {
protected:
  Library library_{std::filesystem::path(POOL_LAB_STRATEGIES) / "adaptive.so"};

  std::unique_ptr<Instance> fresh(double start = 8) {
    auto instance = std::make_unique<Instance>(library_);
    const CallResult failure = instance->set(*index_of(library_.params(), "start"), start);
    EXPECT_FALSE(failure.has_value());
    return instance;
  }
};

TEST_F(Adaptive, HoldSettlesInThreeSecondsAndLosesNothing) {
  for (const std::uint64_t seed : seeds)
    for (const double start : {4, 8, 10})
      for (const double rate : {120, 400})
        for (const double slow_by : {0.0, 0.25}) {
          const auto strategy = fresh(start);
          PoolModel model(*strategy, seed);
          model.run(hold_load(rate, slow_by), 12);
          SCOPED_TRACE("seed " + std::to_string(seed) + " start " + std::to_string(start) +
                       " rate " + std::to_string(rate) + " slow " + std::to_string(slow_by) + ": " +
                       history(model));
          EXPECT_LT(over(model, 0, 12).lost_share(), 0.02);
          // An unused limit is not raised: 120 a second need 6, and some room.
          EXPECT_LT(over(model, 3, 12).mean_limit(), rate == 120 ? 30 : 61);
          EXPECT_LT(over(model, 3, 12).lost_share(), 0.002);
          EXPECT_GT(over(model, 3, 12).ended, 0.98 * over(model, 3, 12).asked);
        }
}

TEST_F(Adaptive, ContendedSettlesNearTheTopOfTheCurve) {
  for (const std::uint64_t seed : seeds)
    for (const double start : {4, 8, 10, 40})
      for (const double slower : {1, 4}) {
        const auto strategy = fresh(start);
        PoolModel model(*strategy, seed);
        model.run(contended_load(slower), 12);
        SCOPED_TRACE("seed " + std::to_string(seed) + " start " + std::to_string(start) +
                     " slower " + std::to_string(slower) + ": " + history(model));
        EXPECT_GT(over(model, 3, 12).rate(), 0.85 * contended_rate(10) / slower);
        EXPECT_LT(over(model, 3, 12).mean_limit(), 14);
        EXPECT_GT(over(model, 3, 12).mean_limit(), 2);
      }
}

TEST_F(Adaptive, ShiftIsFollowedWithinThreeSecondsEachTime) {
  for (const std::uint64_t seed : seeds)
    for (const double slower : {1, 4}) {
      const auto strategy = fresh();
      PoolModel model(*strategy, seed);
      model.run(hold_load(400), 6);
      model.run(contended_load(slower), 6);
      model.run(hold_load(400), 6);
      SCOPED_TRACE("seed " + std::to_string(seed) + " slower " + std::to_string(slower) + ": " +
                   history(model));
      EXPECT_LT(over(model, 3, 6).lost_share(), 0.02);
      EXPECT_GT(over(model, 9, 12).rate(), 0.85 * contended_rate(10) / slower);
      EXPECT_LT(over(model, 12, 18).lost_share(), 0.02);
      EXPECT_LT(over(model, 15, 18).lost_share(), 0.002);
      EXPECT_GT(over(model, 15, 18).ended, 0.98 * over(model, 15, 18).asked);
    }
}

TEST_F(Adaptive, CeilingNeverAsksForMoreThanTheServerLeaves) {
  for (const unsigned others : {1u, 40u, 80u, 96u}) {
    const auto strategy = fresh();
    PoolModel model(*strategy, 1);
    Load load;
    load.users = 150;
    load.server_others = others;
    load.hold = [](unsigned, std::mt19937_64 &random) { return 0.4 * noise(0.15, random); };
    model.run(load, 20);
    SCOPED_TRACE(history(model));
    const unsigned left = 100 - 3 - others;
    const unsigned room = std::min(60u, left > 10 ? left - 10 : 1u);
    EXPECT_LE(over(model, 1, 20).mean_limit(), room);
    EXPECT_LE(model.highest_limit(), std::max(room, 8u));
    EXPECT_GE(over(model, 4, 20).rate(), 0.8 * room / 0.4);
  }
}

// Holds that become short are noticed at once, however long ago the last probe was.
TEST_F(Adaptive, ShorterHoldsAreProbedAtOnce) {
  for (const double first : {5.0, 6.0, 7.0, 8.0, 9.0}) {
    const auto strategy = fresh();
    ASSERT_FALSE(strategy->set(*index_of(library_.params(), "max"), 40));
    PoolModel model(*strategy, 1);
    Load crowded = hold_load(0);
    crowded.users = 80;
    model.run(crowded, first);
    model.run(contended_load(), 4);
    SCOPED_TRACE("after " + std::to_string(first) + " s: " + history(model));
    EXPECT_GT(over(model, first + 2, first + 4).rate(), 0.85 * contended_rate(10));
  }
}

// What makes the law divide by nothing: holds of no time, and windows without any.
TEST_F(Adaptive, SurvivesWindowsThatSayNothing) {
  const auto strategy = fresh();
  PoolModel model(*strategy, 1);
  Load nothing;
  nothing.users = 20;
  nothing.hold = [](unsigned, std::mt19937_64 &) { return 0.00001; };
  model.run(nothing, 1);
  pl_observation seen{};
  seen.struct_size = sizeof seen;
  seen.in_use = {60, 60, 60, 0, 60};
  seen.waiting = {50, 50, 50, 0, 50};
  for (int i = 0; i < 40; ++i) {
    pl_plan plan = default_plan();
    seen.now += 150'000'000;
    seen.window = 150'000'000;
    seen.hold[PL_SERVED] = {i % 2 == 0 ? 100u : 0u, 0, 0, 0};
    ASSERT_FALSE(strategy->look(seen, plan));
    EXPECT_GE(plan.max_in_use, 2u);
    EXPECT_LE(plan.max_in_use, 60u);
  }
}

// A full server whose numbers nobody knows: each refusal takes some back.
TEST_F(Adaptive, GivesRoomWhenTheServerRefuses) {
  const auto strategy = fresh(60);
  pl_observation seen{};
  seen.struct_size = sizeof seen;
  seen.in_use = {40, 40, 40, 0, 40};
  seen.open = seen.in_use;
  seen.connects_failed = seen.connects_refused = 3;
  pl_plan plan = default_plan();
  ASSERT_FALSE(strategy->look(seen, plan));
  EXPECT_LE(plan.max_in_use, 32u);
}

} // namespace
} // namespace lab::plugin
