// my/settings.toml: what it says, and which line is wrong when it can't be used.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadtest/lab/settings_file.hpp"

namespace lab::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;

json strategies() {
  return json::parse(R"([
    {"name": "fixed_tiny", "usable": true, "params": [
      {"name": "max", "type": "integer", "default": 3, "min": 1, "max": 1000, "help": "most"},
      {"name": "wait_ms", "type": "milliseconds", "default": 200, "min": 0, "max": 60000,
       "help": "a wait"}]},
    {"name": "mine", "usable": true, "params": [
      {"name": "eager", "type": "boolean", "default": 1, "min": 0, "max": 1, "help": "is it"},
      {"name": "gain", "type": "real", "default": 0.5, "min": 0, "max": 2, "help": "how much"}]},
    {"name": "plain", "usable": true, "params": []},
    {"name": "broken", "usable": false, "problem": "crashes", "params": []}])");
}

SettingsTables read(const std::string &text) {
  return settings_from(text, strategies);
}

std::string mistake_in(const std::string &text) {
  try {
    (void)read(text);
  } catch (const SettingsMistake &e) {
    return e.what();
  }
  return "";
}

TEST(SettingsFile, HasATableForEachStrategy) {
  const SettingsTables settings = read("# mine\n[fixed_tiny]\nmax = 30 # more\nwait_ms = 1_000.0\n"
                                       "\n[mine]\neager = false\ngain = 1.25\n[plain]\n");
  EXPECT_EQ(settings, (SettingsTables{{"fixed_tiny", {{"max", 30}, {"wait_ms", 1000}}},
                                      {"mine", {{"eager", 0}, {"gain", 1.25}}},
                                      {"plain", {}}}));
  EXPECT_EQ(read("[mine]\neager = 1\n").at("mine").at("eager"), 1);
  EXPECT_EQ(read("fixed_tiny.max = 4\n"), read("[fixed_tiny]\r\nmax = 4\r\n"));
}

TEST(SettingsFile, OneThatSaysNothingNeedsNoList) {
  const ListStrategies none = []() -> json { throw std::runtime_error("asked"); };
  EXPECT_TRUE(settings_from("", none).empty());
  EXPECT_TRUE(settings_from("# [fixed_tiny]\n# max = 30\n", none).empty());
  EXPECT_THROW(settings_from("[fixed_tiny]\n", none), std::runtime_error);
}

TEST(SettingsFile, AMistakeInASettingHasItsLineAndReason) {
  const std::string top = "\n[fixed_tiny]\n";
  EXPECT_EQ(mistake_in(top + "max = 5000\n"), "line 3: max must be from 1 to 1000, not 5000");
  EXPECT_EQ(mistake_in(top + "max = 0\n"), "line 3: max must be from 1 to 1000, not 0");
  EXPECT_EQ(mistake_in(top + "max = 2.5\n"),
            "line 3: max must be a whole number from 1 to 1000, not 2.5");
  EXPECT_EQ(mistake_in(top + "wait_ms = -1\n"),
            "line 3: wait_ms must be from 0 to 60000 (milliseconds), not -1");
  EXPECT_EQ(mistake_in(top + "max = inf\n"), "line 3: max must be from 1 to 1000, not inf");
  EXPECT_EQ(mistake_in(top + "max = nan\n"),
            "line 3: max must be a number from 1 to 1000, not nan");
  EXPECT_EQ(mistake_in(top + "max = \"many\"\n"),
            "line 3: max must be a number from 1 to 1000, not \"many\"");
  EXPECT_EQ(mistake_in(top + "max = true\n"),
            "line 3: max must be a number from 1 to 1000, not true");
  EXPECT_EQ(mistake_in(top + "max = [3]\n"),
            "line 3: max must be a number from 1 to 1000, not a list");
  EXPECT_EQ(mistake_in(top + "\n\n[mine]\neager = 2\n"),
            "line 6: eager must be true or false, not 2");
  EXPECT_EQ(mistake_in(top + "maximum = 3\n"),
            "line 3: fixed_tiny has no setting called maximum; it has: max, wait_ms");
  EXPECT_EQ(mistake_in(top + "[fixed_tiny.max]\n"),
            "line 3: max must be a number from 1 to 1000, not a table");
}

TEST(SettingsFile, AMistakeInATableHasItsLineAndReason) {
  EXPECT_EQ(mistake_in("[fixed_tiny]\nmax = 3\n[fixed_big]\nmax = 4\n"),
            "line 3: there is no strategy called fixed_big; there are: fixed_tiny, mine, plain, "
            "broken");
  EXPECT_EQ(mistake_in("# a\nmax = 30\n"),
            "line 2: max stands in no table: write the strategy's name above it, as in "
            "[fixed_tiny]");
  EXPECT_THAT(mistake_in("[[fixed_tiny]]\nmax = 30\n"), StartsWith("line 1: fixed_tiny stands"));
}

TEST(SettingsFile, WhatIsNoTomlHasItsLine) {
  EXPECT_THAT(mistake_in("[fixed_tiny]\nmax 30\n"), StartsWith("line 2: "));
  EXPECT_THAT(mistake_in("[fixed_tiny\nmax = 30\n"), StartsWith("line 1: "));
  EXPECT_THAT(mistake_in("[fixed_tiny]\nmax = \n"), StartsWith("line 2: "));
  EXPECT_THAT(mistake_in("[fixed_tiny]\nmax = 3\nmax = 4\n"), StartsWith("line 3: "));
  EXPECT_THAT(mistake_in("[fixed_tiny]\n\n[fixed_tiny]\n"), StartsWith("line 3: "));
  EXPECT_THAT(mistake_in("[fixed_tiny]\n# \xff\xfe\n"), StartsWith("line 2: "));
  EXPECT_THAT(mistake_in(std::string(10'000, '[')), StartsWith("line 1: "));
}

TEST(SettingsFile, OfSeveralMistakesTheOneNearestToTheTopIsTold) {
  EXPECT_THAT(mistake_in("[mine]\ngain = 9\n[fixed_tiny]\nmax = 0\n"), StartsWith("line 2: gain"));
  EXPECT_THAT(mistake_in("[fixed_tiny]\nwait_ms = -1\nmax = 0\n"), StartsWith("line 2: wait_ms"));
}

TEST(SettingsFile, AMistakeIsOneLineThatNoTerminalObeys) {
  const std::string told = mistake_in("[fixed_tiny]\nmax = \"a\\u001b[2J\\nb\"\n");
  EXPECT_EQ(told.find_first_of("\x1b\n"), std::string::npos) << told;
  EXPECT_THAT(told, HasSubstr("\\x1B"));
}

TEST(SettingsFile, AStrategyThatCannotBeUsedKeepsItsTable) {
  EXPECT_EQ(read("[broken]\nx = 3\n").at("broken").at("x"), 3);
  EXPECT_EQ(mistake_in("[broken]\nx = \"3\"\n"), "line 2: x must be a number, not \"3\"");
}

TEST(SettingsFile, TheExampleSaysNothingUntilItsMarksAreTakenAway) {
  const std::string example = example_settings(strategies());
  EXPECT_TRUE(read(example).empty()) << example;
  std::string said;
  for (std::size_t at = 0; at < example.size();) {
    const std::size_t end = example.find('\n', at);
    const std::string line = example.substr(at, end - at);
    const bool setting = line.starts_with("# [") || line.find(" = ") != std::string::npos;
    said += (setting ? line.substr(2) : line) + "\n";
    at = end + 1;
  }
  EXPECT_EQ(read(said), (SettingsTables{{"fixed_tiny", {{"max", 3}, {"wait_ms", 200}}},
                                        {"mine", {{"eager", 1}, {"gain", 0.5}}}}))
      << said;
}

} // namespace
} // namespace lab::cli
