// my/settings.toml in a whole lab: in force on save, a mistake changes nothing,
// and both outlive host and agent. Waits on conditions only.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "loadtest/lab/files.hpp"
#include "loadtest/lab/process.hpp"
#include "loadtest/lab/state.hpp"
#include "loadtest/lab/test_lab.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;

// What was saved is in force within a second.
constexpr auto in_force_within = 1s;

class SettingsLab : public testing::Test {
protected:
  static void SetUpTestSuite() { the_lab_ = std::make_unique<TestLab>(); }
  static void TearDownTestSuite() { the_lab_.reset(); }

  // Each test begins with a lab that is up, on fixed_tiny, without settings of it;
  // and with what it saves here taken, which the number tells.
  void SetUp() override {
    ASSERT_EQ(lab({"down"}).status, 0); // a host that ends twice within 5 s is another matter
    ASSERT_EQ(lab({"up"}).status, 0);
    ASSERT_EQ(lab({"use", "fixed_tiny"}).status, 0);
    static int number = 500;
    save(fmt::format("[fixed_huge]\nmax = {}\n", ++number));
    ASSERT_TRUE(eventually([] {
      return settings() == json({{"fixed_huge", {{"max", number}}}}) && max() == 3;
    }));
    ASSERT_TRUE(eventually([] { return problem().is_null(); }));
  }

  static TestLab::Said lab(std::vector<std::string> arguments) {
    return the_lab_->lab(std::move(arguments));
  }
  static json status() { return the_lab_->status(); }
  static HostApi host() { return the_lab_->host(); }
  static fs::path file() { return the_lab_->places().my_settings(); }
  static State state() { return StateFile(the_lab_->places().state()).read(); }

  // In place, as most editors do.
  static void save(const std::string &text) { std::ofstream(file()) << text; }

  static json strategy() { return host().strategy(); }
  static json max() { return strategy().at("params").at("max"); }
  static json settings() { return host().settings().at("settings"); }
  static json problem() { return host().pool().at("settings_problem"); }

  static void kill_and_wait(const char *which) {
    const int pid = status().at(which);
    ASSERT_EQ(::kill(pid, SIGKILL), 0);
    ASSERT_TRUE(eventually([pid] { return !process(pid); }));
  }

  static std::unique_ptr<TestLab> the_lab_;
};

std::unique_ptr<TestLab> SettingsLab::the_lab_;

TEST_F(SettingsLab, WhatIsSavedIsInForceWithinASecondAndWithoutASwap) {
  const auto generation = strategy().at("generation");
  save("[fixed_tiny]\nmax = 30\n");
  EXPECT_TRUE(eventually([] { return max() == 30; }, in_force_within));
  EXPECT_EQ(host().pool().at("plan").at("max_in_use"), 30);
  EXPECT_EQ(strategy().at("generation"), generation);
  EXPECT_EQ(strategy().at("set"), json::object());
  // Another strategy's table waits for it; put in place whole, as other editors do.
  write_whole(file(), "[bounded_timeout]\nmax = 11\n");
  EXPECT_TRUE(eventually([] { return max() == 3; }, in_force_within));
  ASSERT_EQ(lab({"use", "bounded_timeout"}).status, 0);
  EXPECT_EQ(max(), 11);
  fs::remove(file());
  EXPECT_TRUE(eventually([] { return max() == 10; }, in_force_within)) << "back to the default";
}

TEST_F(SettingsLab, AMistakeChangesNothingAndIsToldWithItsLine) {
  save("[fixed_tiny]\nmax = 30\n");
  ASSERT_TRUE(eventually([] { return max() == 30; }));
  save("[fixed_tiny]\nwait_ms = 100\nmax = 5000\n");
  const std::string told = "my/settings.toml line 3: max must be from 1 to 1000, not 5000; the "
                           "last good settings stay in force";
  EXPECT_TRUE(eventually([&] { return problem() == told; }));
  const auto said = lab({"status", "--json"});
  EXPECT_EQ(said.status, 1);
  EXPECT_EQ(json::parse(said.out).at("problems"), json::array({told}));
  EXPECT_EQ(strategy().at("params"), json({{"max", 30}, {"wait_ms", 200}}));
  // Also in a host that is started anew.
  kill_and_wait("host_pid");
  EXPECT_TRUE(eventually([] { return max() == 30 && problem().is_string(); }));

  save("[fixed_tiny]\nwait_ms = 100\nmax = 50\n");
  EXPECT_TRUE(eventually([] { return max() == 50 && problem().is_null(); }));
  EXPECT_TRUE(eventually([] { return lab({"status"}).status == 0; }));
}

TEST_F(SettingsLab, SavingDropsWhatWasSetByName) {
  save("[fixed_tiny]\nmax = 30\n");
  ASSERT_TRUE(eventually([] { return max() == 30; }));
  ASSERT_EQ(lab({"use", "fixed_tiny", "--set", "max=7"}).status, 0);
  EXPECT_EQ(max(), 7);
  EXPECT_EQ(strategy().at("set"), json({{"max", 7}}));
  EXPECT_EQ(state().in_use, (Choice{"fixed_tiny", {{"max", 7}}}));
  // A save just before doesn't drop what is set after it.
  save("[fixed_tiny]\nmax = 30\n");
  ASSERT_EQ(lab({"use", "fixed_tiny", "--set", "max=7"}).status, 0);
  for (int looks = 0; looks < 50; ++looks) {
    ASSERT_EQ(max(), 7);
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_EQ(text_of_file(file()), "[fixed_tiny]\nmax = 30\n") << "--set is never written there";
  save("[fixed_tiny]\nmax = 30\nwait_ms = 150\n");
  ASSERT_TRUE(eventually([] { return max() == 30; }));
  kill_and_wait("host_pid"); // the next one knows it too
  ASSERT_TRUE(eventually([] { return strategy().at("name") == "fixed_tiny"; }));
  EXPECT_EQ(strategy().at("params"), json({{"max", 30}, {"wait_ms", 150}}));
  EXPECT_EQ(state().in_use, Choice{"fixed_tiny"});
  // Saving the same again is saving.
  ASSERT_EQ(lab({"use", "fixed_tiny", "--set", "max=8"}).status, 0);
  ASSERT_EQ(max(), 8);
  save("[fixed_tiny]\nmax = 30\nwait_ms = 150\n");
  EXPECT_TRUE(eventually([] { return max() == 30; }));
  EXPECT_TRUE(eventually([] { return state().in_use == Choice{"fixed_tiny"}; }));
  ASSERT_EQ(lab({"down"}).status, 0);
  ASSERT_EQ(lab({"up"}).status, 0);
  EXPECT_EQ(strategy().at("params"), json({{"max", 30}, {"wait_ms", 150}}));
}

TEST_F(SettingsLab, TheyOutliveHostAndAgent) {
  save("[fixed_tiny]\nmax = 30\nwait_ms = 150\n");
  ASSERT_TRUE(eventually([] { return max() == 30; }));
  ASSERT_EQ(lab({"use", "fixed_tiny", "--set", "wait_ms=90"}).status, 0);
  const json all = {{"max", 30}, {"wait_ms", 90}};
  kill_and_wait("host_pid");
  EXPECT_TRUE(eventually([&] { return strategy().at("params") == all; })) << strategy().dump();
  EXPECT_EQ(strategy().at("set"), json({{"wait_ms", 90}}));

  kill_and_wait("agent_pid");
  kill_and_wait("host_pid");
  ASSERT_EQ(lab({"up"}).status, 0);
  EXPECT_EQ(strategy().at("params"), all) << "as soon as it is up";

  kill_and_wait("agent_pid"); // and the host, adopted, keeps what was set
  ASSERT_EQ(lab({"up"}).status, 0);
  save("[fixed_tiny]\nmax = 31\n");
  EXPECT_TRUE(eventually([] { return max() == 31; }));
  EXPECT_EQ(strategy().at("set"), json::object());
}

TEST_F(SettingsLab, WhatWasChangedWhileItWasDownIsInForceWhenItIsUpUnderWhatWasSet) {
  ASSERT_EQ(lab({"use", "fixed_tiny", "--set", "wait_ms=90"}).status, 0);
  ASSERT_EQ(lab({"down"}).status, 0);
  save("[fixed_tiny]\nmax = 44\nwait_ms = 500\n");
  ASSERT_EQ(lab({"up"}).status, 0);
  EXPECT_EQ(strategy().at("params"), json({{"max", 44}, {"wait_ms", 90}}));
  EXPECT_EQ(state().in_use, (Choice{"fixed_tiny", {{"wait_ms", 90}}}));
}

TEST_F(SettingsLab, ATableForAStrategyThatIsBuiltLaterWaitsForIt) {
  save("[mine]\nmax = 6\n");
  EXPECT_TRUE(eventually([] { return problem().is_string(); }));
  EXPECT_THAT(problem().get<std::string>(), HasSubstr("line 1: there is no strategy called mine"));
  const auto build = the_lab_->places().my_strategies() / "mine.so";
  fs::copy_file(the_lab_->places().strategies() / "fixed_tiny.so", build);
  EXPECT_TRUE(eventually([] { return problem().is_null(); }));
  ASSERT_EQ(lab({"use", "mine"}).status, 0);
  EXPECT_EQ(max(), 6);
  ASSERT_EQ(lab({"use", "fixed_tiny"}).status, 0);
  fs::remove(build);
}

TEST_F(SettingsLab, AComparisonUsesThemToo) {
  save("[fixed_tiny]\nmax = 30\n[bounded_timeout]\nmax = 12\nmax_waiting = 77\n");
  ASSERT_TRUE(eventually([] { return max() == 30; }));
  const auto said =
      lab({"compare", "fixed_tiny", "bounded_timeout", "--profile", "hold", "--seconds", "1",
           "--warm-up", "0", "--set", "bounded_timeout.max=13", "--json"});
  const json list = json::parse(said.out);
  EXPECT_EQ(list.at(0).at("params").at("max"), 30);
  EXPECT_EQ(list.at(1).at("params").at("max"), 13);
  EXPECT_EQ(list.at(1).at("params").at("max_waiting"), 77);
  EXPECT_EQ(max(), 30);
}

TEST_F(SettingsLab, WhatIsSavedDuringAComparisonHoldsAfterIt) {
  ASSERT_EQ(lab({"use", "fixed_tiny", "--set", "max=7"}).status, 0);
  db::Launch how = the_lab_->launch({"compare", "bounded_timeout", "--profile", "hold", "--seconds",
                                     "2", "--warm-up", "0", "--json"});
  how.out = how.err = db::Output::discarded();
  db::Child compare(how);
  ASSERT_TRUE(eventually([] { return strategy().at("name") == "bounded_timeout"; }));
  save("[fixed_tiny]\nmax = 30\n[bounded_timeout]\nmax = 12\n");
  EXPECT_TRUE(eventually([] { return max() == 12; })) << "live, as ever";
  ASSERT_TRUE(compare.wait_for(30s));
  EXPECT_EQ(strategy().at("name"), "fixed_tiny");
  EXPECT_EQ(max(), 30);
  EXPECT_EQ(state().in_use, Choice{"fixed_tiny"});
}

TEST_F(SettingsLab, TheFileIsMadeWhenThereIsNoneAndThenTheLearners) {
  ASSERT_EQ(lab({"use", "fixed_tiny", "--set", "max=9"}).status, 0);
  ASSERT_EQ(lab({"down"}).status, 0);
  fs::remove(file());
  ASSERT_EQ(lab({"up"}).status, 0);
  const std::string example = text_of_file(file()).value_or("");
  EXPECT_THAT(example, HasSubstr("\n# [adaptive]\n"));
  EXPECT_THAT(example, HasSubstr("\n# max = 3 # "));
  EXPECT_EQ(settings(), json::object()) << "it says nothing yet";
  // Nobody saved it, so what was set stays: watched for longer than the agent
  // needs to see the file.
  for (int looks = 0; looks < 50; ++looks) {
    ASSERT_EQ(max(), 9);
    std::this_thread::sleep_for(10ms);
  }
  save("# mine\n");
  EXPECT_TRUE(eventually([] { return max() == 3; }));
  ASSERT_EQ(lab({"up"}).status, 0);
  ASSERT_EQ(lab({"down"}).status, 0);
  ASSERT_EQ(lab({"up"}).status, 0);
  EXPECT_EQ(text_of_file(file()), "# mine\n");
}

} // namespace
} // namespace lab::cli
