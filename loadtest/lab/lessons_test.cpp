// The lessons: what each strategy must show under each profile, on any machine.
// Counts, and ratios with wide margins; nothing here asserts a speed. With
// LAB_TEST_FULL set, each lesson is held three times.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "loadtest/figures.hpp"
#include "loadtest/lab/test_lab.hpp"

namespace lab::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

int times() {
  return std::getenv("LAB_TEST_FULL") != nullptr ? 3 : 1;
}

const TestLab &the_lab() {
  static const TestLab lab;
  return lab;
}

// The summaries of one comparison, by strategy.
std::map<std::string, json> compare(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "compare");
  arguments.emplace_back("--json");
  const TestLab::Said said = the_lab().lab(arguments);
  EXPECT_EQ(said.status, 0) << said.err;
  std::map<std::string, json> by_name;
  for (const json &summary : json::parse(said.out)) {
    EXPECT_NE(summary["verdict"], "invalid") << summary["why"];
    by_name[summary["strategy"]] = summary;
  }
  return by_name;
}

double failed_with(const json &summary, const char *code) {
  return 100.0 * summary["failed"].value(code, 0) / summary["offered"].get<double>();
}

double ok_rate(const json &summary) {
  return summary["rate"]["ok"].get<double>();
}

// What adaptive gave of what ten connections gave.
double share_of_ten(const std::map<std::string, json> &runs) {
  return ok_rate(runs.at("adaptive")) / ok_rate(runs.at("bounded_timeout"));
}

// ---- every number of a sentence stands in the summary ----

void collect(const json &value, std::set<std::string> &numbers) {
  if (value.is_number())
    numbers.insert(load::shown(value));
  else if (value.is_structured())
    for (const json &part : value)
      collect(part, numbers);
}

void expect_numbers_from(const json &summary) {
  std::set<std::string> known;
  for (const auto &[name, value] : summary.items())
    if (name != "why")
      collect(value, known);
  const std::string why = summary["why"];
  static const std::regex number("[0-9]+(\\.[0-9]+)?");
  for (std::sregex_iterator found(why.begin(), why.end(), number), end; found != end; ++found)
    EXPECT_TRUE(known.contains(found->str())) << found->str() << " in: " << why;
}

TEST(Lessons, OnHoldThreeConnectionsStarveWhileTheDatabaseIdlesAndTenHold) {
  for (int i = 0; i < times(); ++i) {
    const auto runs = compare({"fixed_tiny", "bounded_timeout", "--profile", "hold"});
    const json &tiny = runs.at("fixed_tiny");
    EXPECT_GT(failed_with(tiny, "pool_timeout"), 20);
    EXPECT_LT(tiny["processor"]["postgres_percent"], 30);
    EXPECT_THAT(tiny["why"].get<std::string>(), HasSubstr("too small"));
    EXPECT_LT(runs.at("bounded_timeout")["failed_percent"], 1);
    for (const auto &[name, summary] : runs)
      expect_numbers_from(summary);
  }
}

TEST(Lessons, AtTheCeilingTheHugePoolLocksTheNeighbourOut) {
  for (int i = 0; i < times(); ++i) {
    const auto runs = compare(
        {"fixed_tiny", "fixed_huge", "bounded_timeout", "adaptive", "--profile", "ceiling"});
    for (const auto &[name, summary] : runs) {
      const int tried = summary["neighbour"]["tried"];
      const int refused = summary["neighbour"]["refused"];
      EXPECT_GE(tried, 20) << name;
      if (name == "fixed_huge") {
        EXPECT_GT(2 * refused, tried);
        EXPECT_GT(summary["failed"].value("too_many_connections", 0), 0);
      } else {
        EXPECT_EQ(refused, 0) << name;
        EXPECT_EQ(summary["failed"].value("too_many_connections", 0), 0) << name;
      }
      expect_numbers_from(summary);
    }
  }
}

TEST(Lessons, OnContendedMoreConnectionsDoLessAndAdaptiveKeepsUp) {
  for (int i = 0; i < times(); ++i) {
    const auto runs =
        compare({"fixed_huge", "bounded_timeout", "adaptive", "--profile", "contended"});
    EXPECT_LE(ok_rate(runs.at("fixed_huge")), 0.6 * ok_rate(runs.at("bounded_timeout")));
    // The two run one after the other, on a machine that others share: the middle one of three.
    std::vector<double> shares = {share_of_ten(runs)};
    while (shares.size() < 3)
      shares.push_back(
          share_of_ten(compare({"bounded_timeout", "adaptive", "--profile", "contended"})));
    std::sort(shares.begin(), shares.end());
    EXPECT_GE(shares[1], 0.8) << testing::PrintToString(shares);
    RecordProperty("adaptive_of_ten_connections", testing::PrintToString(shares));
    EXPECT_THAT(runs.at("fixed_huge")["why"].get<std::string>(), HasSubstr("held each other up"));
    for (const auto &[name, summary] : runs)
      expect_numbers_from(summary);
  }
}

TEST(Lessons, AtTwiceWhatTenConnectionsServeAdaptiveHolds) {
  for (int i = 0; i < times(); ++i) {
    const auto runs =
        compare({"bounded_timeout", "adaptive", "--profile", "hold", "--rate", "400"});
    const json &settled = runs.at("adaptive")["settled"];
    ASSERT_GT(settled["offered"], 1000);
    EXPECT_LT(settled["failed"].get<double>(), 0.02 * settled["offered"].get<double>());
    EXPECT_GT(runs.at("bounded_timeout")["failed_percent"], 20);
  }
}

TEST(Lessons, TheSentenceGoesByWhatHappenedNotByTheName) {
  namespace fs = std::filesystem;
  const fs::path mine = the_lab().places().my_strategies();
  fs::create_directories(mine);
  fs::copy_file(the_lab().places().app() / "strategies" / "fixed_tiny.so", mine / "another_name.so",
                fs::copy_options::overwrite_existing);
  const auto copy = compare({"another_name", "--profile", "hold"});
  EXPECT_THAT(copy.at("another_name")["why"].get<std::string>(), HasSubstr("too small"));

  const auto resized =
      compare({"fixed_tiny", "--set", "fixed_tiny.max=30", "--profile", "hold"}).at("fixed_tiny");
  EXPECT_EQ(resized["params"]["max"], 30);
  EXPECT_THAT(resized["why"].get<std::string>(), Not(HasSubstr("too small")));
  EXPECT_LT(resized["failed_percent"], 1);
  fs::remove(mine / "another_name.so");
}

TEST(Lessons, TheOriginalsLoadIsAnsweredWell) {
  ASSERT_EQ(the_lab().lab({"use", "bounded_timeout"}).status, 0);
  const TestLab::Said said = the_lab().lab({"load", "original", "--seconds", "5", "--json"});
  const json summary = json::parse(said.out);
  EXPECT_GT(summary["ok"], 100);
  EXPECT_TRUE(summary["failed"].empty()) << summary["failed"];
}

} // namespace
} // namespace lab::cli
