#include "loadtest/schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>

namespace lab::load {
namespace {

using namespace std::chrono_literals;

struct Golden {
  const char *profile;
  std::uint64_t seed;
  const char *fingerprint;
};

// Equal on every machine and with every compiler. One that changes makes all
// recorded runs incomparable: think twice.
TEST(Schedule, FingerprintsAreGolden) {
  const Golden golden[] = {
      {"original", 1, "6f570bd5ff8386e7"},  {"original", 42, "631acda9fce96d5d"},
      {"hold", 1, "71396c9bdafe56e7"},      {"hold", 42, "5237de64a65b9aa3"},
      {"contended", 1, "dde39503f7a6e7db"}, {"ceiling", 1, "cdb51a091c68a148"},
      {"insert", 1, "b0fd8038f34033c6"},
  };
  for (const Golden &g : golden) {
    const Schedule schedule = make_schedule(for_compare(profile_named(g.profile)), g.seed);
    EXPECT_EQ(fingerprint_text(schedule.fingerprint), g.fingerprint) << g.profile << g.seed;
  }
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

TEST(Profile, TheOnesForPeople) {
  EXPECT_EQ(profile_names(),
            (std::vector<std::string>{"original", "hold", "contended", "ceiling"}));
  for (const std::string &name : profile_names()) {
    const Profile profile = profile_named(name);
    EXPECT_NO_THROW(check(profile));
    EXPECT_FALSE(profile.what.empty());
    EXPECT_EQ(profile.what.find('\n'), std::string::npos);
    EXPECT_EQ(for_compare(profile).total(), 7s);
  }
  EXPECT_TRUE(profile_named("insert").for_benchmark);
  EXPECT_EQ(profile_named("original").measure, 30s);
  EXPECT_EQ(profile_named("hold").model, Model::open);
  EXPECT_GT(profile_named("ceiling").users, 100);
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
