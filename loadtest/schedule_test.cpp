#include "loadtest/schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>
#include <vector>

namespace lab::load {
namespace {

using namespace std::chrono_literals;

struct Golden {
  const char *profile;
  const char *fingerprints[3]; // of the seeds 1, 42, 2^64-1
};

// Equal on every machine and with every compiler. One that changes makes all
// recorded runs incomparable: think twice.
TEST(Schedule, FingerprintsAreGolden) {
  const std::uint64_t seeds[] = {1, 42, ~std::uint64_t{0}};
  const Golden golden[] = {
      {"original", {"6f570bd5ff8386e7", "631acda9fce96d5d", "58253499bc88d74f"}},
      {"hold", {"71396c9bdafe56e7", "5237de64a65b9aa3", "382d5274c0b25e72"}},
      {"contended", {"dde39503f7a6e7db", "9173cb115f4d6fd1", "bdf98e3992b921d1"}},
      {"ceiling", {"cdb51a091c68a148", "bb053c766b01521f", "bec9f29f30465662"}},
      {"spike", {"ed632c92cc3903fe", "1913d4d9e16430b8", "1ed7fad2a3dfaadd"}},
      {"retry", {"3b9d3d3f4b0c20c4", "9acd76424adc1337", "92f4f264488d9f30"}},
      {"shift", {"1f4ee440a04e69c2", "3d7c0d282c2e360e", "7e64b2b79e653418"}},
      {"mixed", {"c1a869b5cb530921", "d423448951e59991", "73da20e7233608ba"}},
      {"drift", {"3aac2de6ecbccecf", "fbb91f7a4b5d52ed", "dc46e5b7132864af"}},
      {"idle", {"ffbd686adb959dbd", "6caa9128a133bdf7", "aa98aa45cd94fb61"}},
      {"slow_connects", {"9ce396536d991d08", "ed1fdbcedda6fc11", "8218757dbb8318b8"}},
      {"tenant", {"8d5b7ad469b447f7", "900914d3871ee8d4", "ce4853e9af0b1cc6"}},
      {"insert", {"b0fd8038f34033c6", "6392bdb3bb6e983a", "d90096febee2f152"}},
      {"mix", {"fd7f057c3e84b94a", "4098e273821d25a7", "fe2b9bede4cfdd3e"}},

  };
  std::set<std::string> without;
  for (const std::string &name : profile_names())
    without.insert(name);
  for (const Golden &g : golden) {
    without.erase(g.profile);
    for (std::size_t i = 0; i < std::size(seeds); ++i) {
      const Schedule schedule = make_schedule(for_compare(profile_named(g.profile)), seeds[i]);
      EXPECT_EQ(fingerprint_text(schedule.fingerprint), g.fingerprints[i])
          << g.profile << ", seed " << seeds[i];
    }
  }
  EXPECT_EQ(without, std::set<std::string>{}) << "profiles without golden fingerprints";
}

TEST(Schedule, DependsOnSeedAndProfileAlone) {
  const Profile hold = profile_named("hold");
  EXPECT_EQ(make_schedule(hold, 5).fingerprint, make_schedule(hold, 5).fingerprint);
  EXPECT_NE(make_schedule(hold, 5).fingerprint, make_schedule(hold, 6).fingerprint);
  Profile faster = hold;
  faster.rate = 121;
  EXPECT_NE(make_schedule(hold, 5).fingerprint, make_schedule(faster, 5).fingerprint);
}

TEST(Schedule, TheExponentialIsRightWhereItCanBeChecked) {
  for (const std::uint64_t u :
       {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{3}, std::uint64_t{1} << 40,
        (std::uint64_t{1} << 63) + 12345, ~std::uint64_t{0}, std::uint64_t{0xC0FFEE1234567890}}) {
    const double exact = -std::log(static_cast<double>(u) / 18446744073709551616.0);
    EXPECT_NEAR(static_cast<double>(exponential_q24(u)) / 16777216.0, exact, 1.0 / (1 << 22)) << u;
  }
}

TEST(Schedule, ArrivalsArePoisson) {
  Profile profile = profile_named("hold");
  profile.rate = 1000;
  profile.warm_up = 0ms;
  profile.measure = 60s;
  const Schedule schedule = make_schedule(profile, 3);
  const auto count = static_cast<double>(schedule.arrivals.size());
  EXPECT_NEAR(count, 60'000, 4 * std::sqrt(60'000));
  EXPECT_TRUE(std::is_sorted(schedule.arrivals.begin(), schedule.arrivals.end(),
                             [](const Arrival &a, const Arrival &b) { return a.due < b.due; }));
  // Of exponential gaps 1 - 1/e are under the mean, and the deviation is the mean.
  double squares = 0;
  int under = 0;
  std::chrono::nanoseconds before{};
  for (const Arrival &arrival : schedule.arrivals) {
    const double gap = static_cast<double>((arrival.due - before).count()) / 1e6;
    squares += (gap - 1) * (gap - 1);
    under += gap < 1 ? 1 : 0;
    before = arrival.due;
  }
  EXPECT_NEAR(under / count, 0.632, 0.01);
  EXPECT_NEAR(std::sqrt(squares / count), 1, 0.03);
}

// How many arrive in each second.
std::vector<int> by_second(const Schedule &schedule, const Profile &profile) {
  std::vector<int> counts(static_cast<std::size_t>(profile.total() / 1s));
  for (const Arrival &arrival : schedule.arrivals)
    ++counts[static_cast<std::size_t>(arrival.due / 1s)];
  return counts;
}

TEST(Schedule, StagesHaveTheirOwnRates) {
  const Profile spike = profile_named("spike"); // 2 s warm-up, 3 s, 2 s of ten times as much, 5 s
  const std::vector<int> counts = by_second(make_schedule(spike, 1), spike);
  for (std::size_t second = 0; second < counts.size(); ++second)
    EXPECT_NEAR(counts[second], second == 5 || second == 6 ? 600 : 60,
                second == 5 || second == 6 ? 100 : 35)
        << second;
  Profile quiet = profile_named("hold");
  quiet.stages = {{3s, {}, 0}};
  const std::vector<int> gap = by_second(make_schedule(quiet, 1), quiet);
  EXPECT_EQ(gap[2] + gap[3] + gap[4], 0);
  EXPECT_GT(gap[1], 60);
  EXPECT_GT(gap[5], 60);
}

TEST(Schedule, ConstantArrivalsAreEven) {
  Profile even = profile_named("hold");
  even.arrivals = Arrivals::constant;
  even.rate = 100;
  const Schedule schedule = make_schedule(even, 1);
  EXPECT_EQ(schedule.arrivals.size(), 1199U) << "of 12 s; the first comes after a gap";
  for (std::size_t i = 1; i < schedule.arrivals.size(); ++i)
    EXPECT_EQ(schedule.arrivals[i].due - schedule.arrivals[i - 1].due, 10ms);
}

TEST(Schedule, BurstsComeAtOnceAndKeepTheRate) {
  Profile bursty = profile_named("hold");
  bursty.arrivals = Arrivals::bursty;
  bursty.burst = 20;
  bursty.rate = 200;
  bursty.measure = 58s;
  const Schedule schedule = make_schedule(bursty, 3);
  EXPECT_NEAR(static_cast<double>(schedule.arrivals.size()), 12'000, 4 * 20 * std::sqrt(600));
  ASSERT_EQ(schedule.arrivals.size() % 20, 0U);
  std::set<std::chrono::nanoseconds> moments;
  for (const Arrival &arrival : schedule.arrivals)
    moments.insert(arrival.due);
  EXPECT_EQ(moments.size(), schedule.arrivals.size() / 20);
}

TEST(Schedule, AFewHoldsAreSlow) {
  const Profile mixed = profile_named("mixed");
  Profile longer = mixed;
  longer.measure = 60s;
  const Schedule schedule = make_schedule(longer, 1);
  const auto slow = std::count_if(schedule.arrivals.begin(), schedule.arrivals.end(),
                                  [](const Arrival &a) { return a.choice.variant == 1; });
  EXPECT_EQ(longer.holds()[1], 300ms);
  EXPECT_NEAR(100.0 * static_cast<double>(slow) / static_cast<double>(schedule.arrivals.size()), 10,
              1);
}

TEST(Schedule, UsersOfAStageGoWithIt) {
  const Profile shift = profile_named("shift"); // 3 s of 40, 4 s of 100, 3 s of 40
  const Schedule schedule = make_schedule(shift, 1);
  ASSERT_EQ(schedule.users.size(), 40U + 40 + 100 + 40);
  const auto there = [&](std::chrono::milliseconds when) {
    return std::count_if(schedule.users.begin(), schedule.users.end(), [&](const UserPlan &user) {
      return user.start <= when && when < user.end;
    });
  };
  EXPECT_EQ(there(1s), 40);
  EXPECT_EQ(there(4s), 40);
  EXPECT_EQ(there(6s), 100);
  EXPECT_EQ(there(11s), 40);
  for (const UserPlan &user : schedule.users)
    EXPECT_EQ(user.choices[0].route == Route::contend, user.start >= 5s && user.start < 9s);
}

TEST(Schedule, UsersAreStaggeredAndKeepTheCycle) {
  const Schedule schedule = make_schedule(profile_named("original"), 9);
  ASSERT_EQ(schedule.users.size(), 50U);
  std::set<std::chrono::nanoseconds> starts;
  std::set<int> job_types;
  for (const UserPlan &user : schedule.users) {
    EXPECT_LT(user.start, stagger);
    starts.insert(user.start);
    ASSERT_EQ(user.choices.size(), static_cast<std::size_t>(choices_per_user));
    for (std::size_t i = 0; i + 3 < user.choices.size(); ++i)
      EXPECT_EQ(user.choices[i].route, user.choices[i + 3].route);
    for (const Choice &choice : user.choices)
      if (choice.route == Route::submit_job)
        job_types.insert(choice.variant);
  }
  EXPECT_GT(starts.size(), 45U);
  EXPECT_EQ(job_types, (std::set<int>{0, 1, 2, 3, 4}));
}

TEST(Schedule, ContendedPicksEveryRow) {
  Profile profile = profile_named("contended");
  profile.rows = 3;
  std::set<int> rows;
  for (const UserPlan &user : make_schedule(profile, 1).users)
    for (const Choice &choice : user.choices)
      rows.insert(choice.variant);
  EXPECT_EQ(rows, (std::set<int>{1, 2, 3}));
}

TEST(Profile, HoldHasAClosedFormAndOriginalNoOpenOne) {
  Profile hold = profile_named("hold");
  hold.model = Model::closed;
  EXPECT_NO_THROW(check(hold));
  Profile original = profile_named("original");
  original.model = Model::open;
  EXPECT_THROW(check(original), std::invalid_argument);
}

TEST(Profile, WhatIsOutOfRangeIsNamed) {
  EXPECT_THROW(profile_named("no such"), std::invalid_argument);
  const auto refused = [](auto change) {
    Profile profile = profile_named("contended");
    change(profile);
    EXPECT_THROW(make_schedule(profile, 1), std::invalid_argument);
  };
  refused([](Profile &p) { p.users = 0; });
  refused([](Profile &p) { p.users = max_users + 1; });
  refused([](Profile &p) { p.rows = 6; });
  refused([](Profile &p) { p.measure = 2h; });
  refused([](Profile &p) { p.measure = 10ms; });
  refused([](Profile &p) { p.deadline = -1ms; });
  refused([](Profile &p) { p.cycle.clear(); });
  refused([](Profile &p) {
    p.model = Model::open;
    p.rate = max_rate + 1;
  });
}

} // namespace
} // namespace lab::load
