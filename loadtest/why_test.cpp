#include "loadtest/why.hpp"

#include "loadtest/comparison.hpp"
#include "loadtest/figures.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace lab::load {
namespace {

using nlohmann::json;

// A run that holds with ease; the cases below change what makes them one.
json base() {
  return json::parse(R"({
    "strategy": "some", "profile": "hold", "model": "open", "users": null,
    "offered": 612, "sent": 612, "ok": 612, "failed": {}, "failed_percent": 0,
    "failed_main": null,
    "rate": {"offered": 122, "achieved": 122, "ok": 122},
    "latency_ms": {"p50": 51.2, "p90": 52.4, "p99": 54.7, "p999": 57, "max": 57.3},
    "latency_failed_ms": {"p50": null, "p90": null, "p99": null, "p999": null, "max": null},
    "pool": {"limit": 10, "limit_min": 10, "limit_max": 10, "at_limit_percent": 2, "max_in_use": 9, "max_open": 10, "in_use_mean": 6.21, "waiting_max": 1,
      "connection_seconds": 49.8, "wait_ms": {"mean": 0.11, "min": 0.001, "p50": 0.01,
      "p99": 2.2, "max": 3.4}, "hold_ms": {"mean": 50.8, "min": 50.1, "p50": 50.7, "p99": 52,
      "max": 53}, "counts": {}, "needed": 6.2, "turned_away_percent": 0},
    "server": {"max_connections": 100, "reserved": 3, "available": 97, "total_max": 12},
    "neighbour": null,
    "processor": {"cores": 2, "postgres_cores": 0.071, "postgres_percent": 7.1,
      "host_cores": 0.05, "generator_cores": 0.02, "others_cores": 0.1},
    "guards": {"reasons": []}, "verdict": "pass", "grade": "green"})");
}

json with(const char *patch) {
  json summary = base();
  summary.merge_patch(json::parse(patch));
  return summary;
}

json holding() {
  return base();
}

json starving() {
  return with(R"({"ok": 292, "failed": {"pool_timeout": 320}, "failed_percent": 52.3,
    "failed_main": {"code": "pool_timeout", "count": 320, "percent": 52.3},
    "rate": {"ok": 58.4}, "latency_ms": {"p50": 243, "p99": 252, "max": 261},
    "latency_failed_ms": {"p50": 201, "p99": 202},
    "pool": {"limit": 3, "limit_min": 3, "limit_max": 3, "at_limit_percent": 98, "max_in_use": 3, "max_open": 3, "in_use_mean": 2.97, "waiting_max": 27,
      "wait_ms": {"mean": 187, "max": 203}, "turned_away_percent": 52.3},
    "grade": "red", "verdict": "fail"})");
}

json at_the_ceiling() {
  return with(R"({"profile": "ceiling", "model": "closed", "users": 160, "ok": 1180, "sent": 1420,
    "failed": {"too_many_connections": 230, "pool_timeout": 10}, "failed_percent": 16.9,
    "failed_main": {"code": "too_many_connections", "count": 230, "percent": 16.2},
    "pool": {"limit": 500, "limit_min": 500, "limit_max": 500, "max_in_use": 95, "max_open": 97, "in_use_mean": 94.1,
      "waiting_max": 58, "hold_ms": {"mean": 405, "min": 400}, "needed": null,
      "turned_away_percent": 0.704},
    "neighbour": {"tried": 33, "refused": 31, "failed": 0}, "grade": "red", "verdict": "fail"})");
}

json turned_away_by_others() {
  json summary = at_the_ceiling();
  summary.merge_patch(json::parse(
      R"({"pool": {"limit": 10, "limit_min": 10, "limit_max": 10, "max_in_use": 4, "max_open": 4}})"));
  return summary;
}

json contended() {
  return with(R"({"profile": "contended", "model": "closed", "users": 100, "sent": 3900, "ok": 3900,
    "rate": {"ok": 780}, "latency_ms": {"p50": 121, "p99": 340, "max": 611},
    "pool": {"limit": 500, "limit_min": 500, "limit_max": 500, "max_in_use": 97, "max_open": 97, "in_use_mean": 93.3, "waiting_max": 4,
      "wait_ms": {"mean": 1.9, "max": 15}, "hold_ms": {"mean": 119, "min": 0.812}, "needed": null},
    "processor": {"postgres_cores": 1.42, "postgres_percent": 142}})");
}

json failing_fast() {
  return with(R"({"profile": "ceiling", "model": "closed", "users": 160, "sent": 1240, "ok": 122,
    "failed": {"pool_timeout": 1040, "pool_rejected": 78}, "failed_percent": 90.2,
    "failed_main": {"code": "pool_timeout", "count": 1040, "percent": 83.9},
    "latency_failed_ms": {"p50": 201, "p99": 204},
    "pool": {"at_limit_percent": 100, "max_in_use": 10, "max_open": 10, "in_use_mean": 9.98, "waiting_max": 51,
      "hold_ms": {"mean": 402, "min": 400}, "needed": null, "turned_away_percent": 90.2},
    "neighbour": {"tried": 33, "refused": 0, "failed": 0}, "grade": "red", "verdict": "fail"})");
}

json moving_and_failing_fast() {
  json summary = failing_fast();
  summary.merge_patch(json::parse(R"({"pool": {"limit": 30, "limit_min": 14, "limit_max": 60,
    "at_limit_percent": 71, "max_in_use": 60, "in_use_mean": 41}})"));
  return summary;
}

json grew_too_late() {
  return with(R"({"ok": 580, "failed": {"pool_timeout": 32}, "failed_percent": 5.23,
    "failed_main": {"code": "pool_timeout", "count": 32, "percent": 5.23},
    "pool": {"turned_away_percent": 5.23}, "grade": "yellow"})");
}

json database_busy() {
  json summary = starving();
  summary.merge_patch(json::parse(
      R"({"processor": {"postgres_cores": 1.81, "postgres_percent": 181}, "pool": {"limit_min": 10, "limit_max": 10,
      "max_in_use": 10}})"));
  return summary;
}

json queueing() {
  return with(R"({"model": "closed", "users": 50, "latency_ms": {"p50": 252},
    "pool": {"at_limit_percent": 100, "max_in_use": 10, "in_use_mean": 9.99, "waiting_max": 40, "needed": null,
      "wait_ms": {"mean": 201, "max": 256}}})");
}

json database_away() {
  return with(R"({"ok": 400, "failed": {"db_unavailable": 212}, "failed_percent": 34.6,
    "failed_main": {"code": "db_unavailable", "count": 212, "percent": 34.6},
    "pool": {"max_in_use": 8}, "grade": "red", "verdict": "fail"})");
}

json few_failed() {
  return with(R"({"ok": 609, "failed": {"pool_timeout": 3}, "failed_percent": 0.49,
    "failed_main": {"code": "pool_timeout", "count": 3, "percent": 0.49}, "grade": "yellow",
    "pool": {"turned_away_percent": 0.49}})");
}

json host_says_nothing() {
  json summary = base();
  for (const char *name : {"limit", "limit_min", "limit_max", "at_limit_percent", "max_in_use",
                           "max_open", "in_use_mean", "waiting_max"})
    summary["pool"][name] = nullptr;
  summary["server"] = nullptr;
  return summary;
}

json not_to_be_used() {
  json summary = base();
  summary["verdict"] = "invalid";
  summary["guards"] = {{"reasons", {"the generator sent only 71.3 % of what was due"}},
                       {"sent_percent", 71.3}};
  return summary;
}

json slow_without_a_cause() {
  return with(R"({"latency_ms": {"p50": 700, "p99": 2300, "max": 2412}, "grade": "red",
    "verdict": "fail"})");
}

std::vector<std::pair<json, std::string>> table() {
  return {{holding(), "needed about 6.2 of its 10"},
          {starving(), "the pool is too small"},
          {at_the_ceiling(), "opened 97 of the server's 100 connections"},
          {turned_away_by_others(), "were taken, though this pool opened only 4"},
          {contended(), "held each other up"},
          {failing_fast(), "160 users at once are more than the server's 97"},
          {moving_and_failing_fast(), "allowed 14 to 60 connections at once"},
          {grew_too_late(), "no connection was free in time"},
          {database_busy(), "the database is the limit"},
          {queueing(), "201 ms on average, but none gave up"},
          {database_away(), "the database could not be reached"},
          {few_failed(), "needed about 6.2 of its 10"},
          {host_says_nothing(), "612 of 612 requests succeeded"},
          {not_to_be_used(), "proves nothing"},
          {slow_without_a_cause(), "612 of 612 requests succeeded"}};
}

// Every number in the JSON, wherever it stands.
void numbers_of(const json &value, std::vector<double> &into) {
  if (value.is_number())
    into.push_back(value.get<double>());
  else if (value.is_structured())
    for (const auto &item : value.items())
      numbers_of(item.value(), into);
}

std::vector<double> numbers_in(const std::string &text) {
  std::vector<double> numbers;
  const char *digits = "0123456789";
  for (std::size_t i = text.find_first_of(digits); i != std::string::npos;
       i = text.find_first_of(digits, i)) {
    char *end = nullptr;
    numbers.push_back(std::strtod(text.c_str() + i, &end));
    i = static_cast<std::size_t>(end - text.c_str());
  }
  return numbers;
}

TEST(Why, NamesEachCause) {
  for (const auto &[summary, part] : table()) {
    const std::string told = why(summary);
    EXPECT_NE(told.find(part), std::string::npos) << told;
    EXPECT_EQ(told.find('\n'), std::string::npos);
    EXPECT_EQ(told.find('?'), std::string::npos) << told;
    EXPECT_EQ(told.back(), '.') << told;
  }
}

TEST(Why, EveryNumberStandsInTheSummary) {
  int checked = 0;
  for (const auto &[summary, part] : table()) {
    std::vector<double> stored;
    numbers_of(summary, stored);
    const std::string told = why(summary);
    for (const double number : numbers_in(told)) {
      EXPECT_NE(std::find(stored.begin(), stored.end(), number), stored.end())
          << number << " in: " << told;
      ++checked;
    }
  }
  EXPECT_GT(checked, 40);
}

TEST(Why, TheNameOfAStrategySaysNothing) {
  for (auto [summary, part] : table()) {
    const std::string told = why(summary);
    for (const char *name : {"fixed_tiny", "fixed_huge", "bounded_timeout", "adaptive", ""}) {
      summary["strategy"] = name;
      summary["params"] = {{"max", 3}};
      EXPECT_EQ(why(summary), told);
    }
  }
}

TEST(Why, ATinyOneWithRoomIsNotSaidToStarve) {
  json summary = with(R"({"strategy": "fixed_tiny", "params": {"max": 30},
    "pool": {"limit": 30, "limit_min": 30, "limit_max": 30, "at_limit_percent": 0, "max_in_use": 12, "max_open": 12, "waiting_max": 0}})");
  const std::string told = why(summary);
  EXPECT_EQ(told.find("too small"), std::string::npos) << told;
  EXPECT_NE(told.find("6.2 of its 30"), std::string::npos) << told;
}

TEST(Why, AskedOfHalfASummaryItDoesNotFail) {
  EXPECT_FALSE(why(json::object()).empty());
  EXPECT_FALSE(why(json()).empty());
  for (const auto &[summary, part] : table())
    for (const auto &item : summary.items()) {
      json less = summary;
      less.erase(item.key());
      EXPECT_FALSE(why(less).empty());
    }
}

TEST(Comparison, RelativeFactsStandInTheSummariesToo) {
  std::vector<json> summaries{contended(), holding()};
  summaries[0]["why"] = why(summaries[0]);
  summaries[1]["why"] = why(summaries[1]);
  summaries[1]["rate"]["ok"] = 2520;
  relate(summaries);
  EXPECT_EQ(summaries[0]["relative_rate"], 0.31);
  EXPECT_EQ(summaries[1]["relative_rate"], 1);
  const std::vector<std::string> sentences = comparison_sentences(summaries);
  EXPECT_NE(sentences[0].find("780 a second, 0.31 of the best"), std::string::npos);
  EXPECT_EQ(sentences[1].find("of the best"), std::string::npos);
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    std::vector<double> stored;
    numbers_of(summaries[i], stored);
    for (const double number : numbers_in(sentences[i]))
      EXPECT_NE(std::find(stored.begin(), stored.end(), number), stored.end()) << sentences[i];
  }
}

TEST(Comparison, AnInvalidRunIsNeitherBestNorBehind) {
  std::vector<json> summaries{not_to_be_used(), holding()};
  summaries[0]["rate"]["ok"] = 99'999;
  relate(summaries);
  EXPECT_TRUE(summaries[0]["relative_rate"].is_null());
  EXPECT_EQ(summaries[1]["relative_rate"], 1);
}

} // namespace
} // namespace lab::load
