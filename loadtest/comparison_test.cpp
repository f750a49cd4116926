#include "loadtest/comparison.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace lab::load {
namespace {

using nlohmann::json;

json row(const char *strategy, const char *verdict, const char *grade) {
  json summary = json::parse(R"({
    "rate": {"ok": 58.4}, "failed_percent": 52.3,
    "failed_main": {"code": "too_many_connections", "percent": 52.3, "count": 9},
    "latency_ms": {"p50": 243, "p99": 252}, "pool": {"max_in_use": 97, "limit_max": 500,
    "max_open": 97}, "processor": {"postgres_percent": 181},
    "neighbour": {"tried": 33, "refused": 31}, "why": "Because."})");
  summary["strategy"] = strategy;
  summary["verdict"] = verdict;
  summary["grade"] = grade;
  return summary;
}

int columns(const std::string &line) {
  return static_cast<int>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::vector<std::string> lines_of(const std::string &text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);)
    lines.push_back(line);
  return lines;
}

TEST(Table, FitsOnAHundredColumns) {
  json nameless = json::object();
  std::string why;
  for (int i = 0; i < 80; ++i)
    why += "word ";
  json talkative = row("a_name_that_is_far_too_long_for_its_column", "fail", "red");
  talkative["why"] = why + ".";
  const std::string table =
      comparison_table({row("fixed_huge", "fail", "red"), row("bounded_timeout", "pass", "green"),
                        talkative, nameless},
                       Style{});
  for (const std::string &line : lines_of(table))
    EXPECT_LE(columns(line), 100) << line;
  EXPECT_EQ(table.find('\033'), std::string::npos);
  EXPECT_EQ(table.back(), '\n');
}

TEST(Table, AWordAndAShapeForEachVerdict) {
  EXPECT_EQ(verdict_sign(row("s", "pass", "green")), "✓ green");
  EXPECT_EQ(verdict_sign(row("s", "pass", "yellow")), "! yellow");
  EXPECT_EQ(verdict_sign(row("s", "fail", "red")), "✗ red");
  EXPECT_EQ(verdict_sign(row("s", "invalid", "green")), "? invalid");
  const std::string table = comparison_table({row("fixed_huge", "fail", "red")}, Style{});
  EXPECT_NE(table.find("✗ red"), std::string::npos);
  EXPECT_NE(table.find("52.3 % too_many_connections"), std::string::npos);
  EXPECT_NE(table.find("97/500"), std::string::npos);
  EXPECT_NE(table.find("31/33"), std::string::npos);
  EXPECT_NE(table.find("fixed_huge: Because."), std::string::npos);
}

TEST(Table, ColourOnlyWhenAskedFor) {
  Style colour;
  colour.colour = true;
  const std::string table = comparison_table({row("s", "fail", "red")}, colour);
  EXPECT_NE(table.find("\033[31m✗ red"), std::string::npos);
  EXPECT_NE(table.find("\033[0m"), std::string::npos);
}

TEST(Table, TheNeighboursColumnOnlyWhereThereIsOne) {
  json alone = row("s", "pass", "green");
  alone["neighbour"] = nullptr;
  EXPECT_EQ(comparison_table({alone}, Style{}).find("refused"), std::string::npos);
}

TEST(Table, ControlCharactersOfANameStayOut) {
  const std::string table = comparison_table({row("bad\033[2Jname", "pass", "green")}, Style{});
  EXPECT_EQ(table.find('\033'), std::string::npos);
}

TEST(Style, NoColourWithoutATerminal) {
  EXPECT_FALSE(style_for(-1).colour);
}

} // namespace
} // namespace lab::load
