// Who may use whom: the table in architecture.md, checked against every #include.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

const fs::path source = POOL_LAB_SOURCE;
using Table = std::map<std::string, std::set<std::string>>; // room -> rooms it may use

std::vector<std::string> quoted(const std::string &text) {
  static const std::regex in_backticks("`([^`]+)`");
  std::vector<std::string> words;
  for (std::sregex_iterator word(text.begin(), text.end(), in_backticks), end; word != end; ++word)
    words.push_back((*word)[1]);
  return words;
}

// The table under "## The rooms".
Table rooms() {
  Table table;
  std::ifstream in(source / "docs" / "architecture.md");
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("## ", 0) == 0)
      inside = line == "## The rooms";
    if (!inside || line.rfind("| `", 0) != 0)
      continue;
    const std::size_t last = line.rfind('|', line.size() - 2);
    const auto room = quoted(line.substr(0, line.find('|', 1)));
    auto &may = table[room.at(0)];
    for (const std::string &other : quoted(line.substr(last)))
      may.insert(other);
  }
  return table;
}

// The longest room that `path` (from the root of the repository) lies in; "" for none.
std::string room_of(const std::string &path, const Table &table) {
  std::string found;
  for (const auto &[room, may] : table)
    if (path.rfind(room + "/", 0) == 0 && room.size() > found.size())
      found = room;
  return found;
}

bool is_source(const fs::path &file) {
  static const std::set<std::string> endings = {".cpp", ".hpp", ".c", ".h"};
  return endings.contains(file.extension().string());
}

bool is_test(const fs::path &file) {
  const std::string stem = file.stem();
  return stem.ends_with("_test") || stem.starts_with("test_");
}

struct Include {
  std::string from;
  std::string what;
};

std::vector<Include> includes(const Table &table, bool system) {
  const std::regex wanted(system ? "^\\s*#\\s*include\\s*<([^>]+)>"
                                 : "^\\s*#\\s*include\\s*\"([^\"]+)\"");
  std::vector<Include> all;
  for (const auto &[room, may] : table) {
    for (const auto &entry : fs::recursive_directory_iterator(source / room)) {
      const std::string path = fs::relative(entry.path(), source);
      if (!is_source(entry.path()) || is_test(entry.path()) || room_of(path, table) != room)
        continue;
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line);) {
        std::smatch match;
        if (std::regex_search(line, match, wanted))
          all.push_back({path, match[1]});
      }
    }
  }
  return all;
}

TEST(Rooms, TheTableIsThere) {
  const Table table = rooms();
  EXPECT_EQ(table.size(), 6U);
  for (const auto &[room, may] : table)
    EXPECT_TRUE(fs::is_directory(source / room)) << room;
}

TEST(Rooms, EveryIncludeGoesTheWayOfTheTable) {
  const Table table = rooms();
  std::size_t checked = 0;
  for (const Include &include : includes(table, false)) {
    const std::string here = room_of(include.from, table);
    // The public headers are written as a strategy's author writes them.
    const std::string what =
        include.what.rfind("pool_lab/", 0) == 0 ? "plugins/include/" + include.what : include.what;
    const std::string there = room_of(what, table);
    ++checked;
    if (there.empty() || there == here)
      continue;
    const auto &may = table.at(here);
    const bool allowed = std::any_of(may.begin(), may.end(), [&](const std::string &room) {
      return what.rfind(room + "/", 0) == 0 && (room != "host" || there == "host");
    });
    EXPECT_TRUE(allowed) << include.from << " uses " << include.what;
  }
  EXPECT_GT(checked, 100U);
}

// It has atomics: the gate is the core's, and used without its lock.
TEST(Rooms, TheCoreKnowsNoClockNoSocketNoThreadAndNoSql) {
  const Table table = rooms();
  const std::regex banned("^(thread|mutex|condition_variable|future|ctime|time\\.h|sys/"
                          ".*|netinet/.*|poll\\.h|pqxx.*|"
                          "libpq.*|Poco/.*|boost/.*|spdlog/.*)$");
  for (const Include &include : includes(table, true)) {
    if (room_of(include.from, table) != "host/pool" ||
        include.from.rfind("host/pool/simulation/", 0) == 0) // it runs many cores side by side
      continue;
    EXPECT_FALSE(std::regex_match(include.what, banned))
        << include.from << " uses " << include.what;
  }
  const std::regex reads_a_clock("(steady_clock|system_clock|high_resolution_clock)");
  for (const auto &entry : fs::recursive_directory_iterator(source / "host" / "pool")) {
    if (!is_source(entry.path()) || is_test(entry.path()))
      continue;
    std::ifstream in(entry.path());
    for (std::string line; std::getline(in, line);)
      EXPECT_FALSE(std::regex_search(line, reads_a_clock)) << entry.path() << ": " << line;
  }
}

TEST(Rooms, AStrategyIncludesTheSdkAndTheLanguageOnly) {
  for (const Include &include : includes(rooms(), false)) {
    if (include.from.rfind("strategies/", 0) != 0)
      continue;
    EXPECT_EQ(include.what, "pool_lab/strategy.hpp") << include.from;
  }
}

TEST(Rooms, FixedTinyIsAtMostThirtyLines) {
  std::ifstream in(source / "strategies" / "fixed_tiny.cpp");
  int lines = 0;
  for (std::string line; std::getline(in, line);)
    ++lines;
  EXPECT_GT(lines, 10);
  EXPECT_LE(lines, 30);
}

} // namespace
