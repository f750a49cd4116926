// Profiles are files that people edit: each of the lab's own is sound, and a mistake is told
// with its line and what may stand there.
#include "loadtest/profile_toml.hpp"

#include <chrono>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadtest/built_in_profiles.hpp"
#include "loadtest/profile_json.hpp"

namespace lab::load {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::string mistake(const std::string &text) {
  try {
    (void)parse_profile("mine", text, "my/profiles/mine.toml");
    return "none";
  } catch (const ProfileMistake &e) {
    return e.what();
  }
}

constexpr const char *sound = R"(
what = "mine"
model = "open"
rate = 100
routes = ["hold_submit"]
hold_ms = 20
)";

TEST(Profiles, OfTheLabAreSoundAndHaveOneLineForPeople) {
  for (const BuiltInProfile &one : built_in_profiles()) {
    const Profile profile = profile_named(std::string(one.name));
    EXPECT_NO_THROW(check(profile)) << one.name;
    EXPECT_NO_THROW(check(for_compare(profile))) << one.name;
    EXPECT_FALSE(profile.what.empty()) << one.name;
    EXPECT_EQ(for_compare(profile).total(), 7s);
  }
  EXPECT_EQ(profile_names(), (std::vector<std::string>{"original", "hold", "contended", "ceiling",
                                                       "spike", "retry", "shift", "mixed", "drift",
                                                       "idle", "slow_connects", "tenant"}));
}

TEST(Profiles, ComeBackFromJsonAsTheyWere) {
  for (const BuiltInProfile &one : built_in_profiles()) {
    const Profile profile = profile_named(std::string(one.name));
    const Profile again = profile_of(json_of(profile));
    EXPECT_EQ(json_of(again), json_of(profile)) << one.name;
    EXPECT_EQ(again.stages, profile.stages) << one.name;
    EXPECT_EQ(again.retry, profile.retry) << one.name;
    EXPECT_EQ(again.trouble, profile.trouble) << one.name;
  }
  EXPECT_THROW((void)profile_of(nlohmann::json{{"profile", "x"}}), std::runtime_error);
}

TEST(Profiles, SayWhatTheyRead) {
  const Profile mine = parse_profile("mine", std::string(sound) + R"(
arrivals = "bursty"
burst = 7
measure_s = 2.5
[retry]
times = 3
pause_ms = 100
backoff_percent = 200
[trouble]
fault = "take"
amount = 60
for_s = 1
[[stage]]
for_s = 1
rate = 0
[[stage]]
for_s = 0.5
hold_ms = 40
)",
                                     "mine.toml");
  EXPECT_EQ(mine.name, "mine");
  EXPECT_EQ(mine.arrivals, Arrivals::bursty);
  EXPECT_EQ(mine.burst, 7);
  EXPECT_EQ(mine.measure, 2500ms);
  EXPECT_EQ(mine.retry, (Retry{3, 100ms, 200}));
  EXPECT_EQ(mine.trouble, (Trouble{"take", 60, 0ms, 1000ms}));
  ASSERT_EQ(mine.stages.size(), 2U);
  EXPECT_EQ(mine.stages[0].rate, 0);
  EXPECT_EQ(mine.holds(), (std::vector<std::chrono::milliseconds>{20ms, 40ms}));
}

TEST(Profiles, TellAMistakeWithItsLineAndWhatMayStandThere) {
  EXPECT_EQ(mistake(sound), "none");
  EXPECT_THAT(mistake(std::string(sound) + "hodl_ms = 3\n"),
              HasSubstr("my/profiles/mine.toml, line 7: there is no hodl_ms here; there are: what, "
                        "model, users, rate, "));
  EXPECT_THAT(mistake(std::string(sound) + "users = \"ten\"\n"),
              HasSubstr("line 7: users must be a whole number, 0 to 900"));
  EXPECT_THAT(mistake(std::string(sound) + "arrivals = \"odd\"\n"),
              HasSubstr("line 7: arrivals can be: bursty, constant, poisson"));
  EXPECT_THAT(mistake("what = \"x\"\nroutes = [\"nosuch\"]\n"),
              HasSubstr("line 2: routes can be: contend, hold_claim, "));
  EXPECT_THAT(mistake(std::string(sound) + "[[stage]]\nrate = 3\n"),
              HasSubstr("line 7: a stage needs its length: for_s = 3"));
  EXPECT_THAT(mistake(std::string(sound) + "[[stage]]\nfor_s = 3\nspeed = 3\n"),
              HasSubstr("line 9: there is no speed here; there are: for_s, users, rate, "));
  EXPECT_THAT(mistake(std::string(sound) + "[[stage]]\nfor_s = 3\nusers = 3\n"),
              HasSubstr("its stages have a rate, for it is open"));
  EXPECT_THAT(mistake(std::string(sound) + "[[stage]]\nfor_s = 30\n"),
              HasSubstr("its stages take 30000 ms together, more than the 10000 ms measured"));
  EXPECT_THAT(mistake("users = 3\nroutes = [\"contend\"]\nrows = 2\n"),
              HasSubstr("it needs what ="));
  EXPECT_THAT(mistake("what = \n"), HasSubstr("my/profiles/mine.toml, line 1: "));
  EXPECT_THAT(mistake("what = \"x\"\nusers = 5\n"), HasSubstr("it sends nothing"));
}

TEST(Profiles, AreStretchedWithTheirStagesAndTrouble) {
  const Profile spike = for_compare(profile_named("spike"));
  ASSERT_EQ(spike.stages.size(), 2U);
  EXPECT_EQ(spike.stages[0].length, 1500ms);
  EXPECT_EQ(spike.stages[1].length, 1000ms);
  Profile troubled = profile_named("hold");
  troubled.trouble = {"take", 60, 2s, 4s};
  stretch(troubled, 5s);
  EXPECT_EQ(troubled.trouble.from, 1s);
  EXPECT_EQ(troubled.trouble.length, 2s);
}

} // namespace
} // namespace lab::load
