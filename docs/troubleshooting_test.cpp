// The page when-it-fails.md can't drift: what it quotes is what the lab says, and
// what the lab can say of itself (codes, verdicts, guards, doctor's findings) is there.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "docs/test_messages.hpp"
#include "docs/test_prose.hpp"

namespace lab::docs {
namespace {

namespace fs = std::filesystem;

const fs::path source = POOL_LAB_SOURCE;
const char *const page_name = "docs/when-it-fails.md";

struct Row {
  int line = 0;
  std::string section;
  std::string head; // of the first column
  std::vector<std::string> cells;
};

std::vector<std::string> cells_of(const std::string &line) {
  std::vector<std::string> cells;
  std::istringstream in(line.substr(1));
  for (std::string cell; std::getline(in, cell, '|');)
    cells.push_back(cell);
  return cells;
}

std::vector<Row> rows_of_page() {
  std::vector<Row> rows;
  std::istringstream in(text_of(source / page_name));
  std::string section, head;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.starts_with("## "))
      section = line.substr(3);
    if (!line.starts_with("| ")) {
      head.clear();
    } else if (head.empty()) {
      head = cells_of(line).front();
      head = head.substr(1, head.size() - 2);
    } else if (!line.starts_with("| ---")) {
      rows.push_back({number, section, head, cells_of(line)});
    }
  }
  return rows;
}

const std::vector<Row> &rows() {
  static const std::vector<Row> all = rows_of_page();
  return all;
}

const std::vector<std::string> &messages() {
  static const std::vector<std::string> all = messages_of(source);
  return all;
}

std::vector<std::string> quotations_in(const std::string &text) {
  static const std::regex in_backticks("`([^`]+)`");
  std::vector<std::string> found;
  for (std::sregex_iterator one(text.begin(), text.end(), in_backticks), end; one != end; ++one)
    found.push_back((*one)[1]);
  return found;
}

// All quotations of first columns that say "you see".
std::vector<std::string> all_seen() {
  std::vector<std::string> all;
  for (const Row &row : rows())
    if (row.head == "you see")
      for (const std::string &one : quotations_in(row.cells.front()))
        all.push_back(one);
  return all;
}

bool is_quoted(const std::string &word) {
  const auto seen = all_seen();
  return std::count(seen.begin(), seen.end(), word) > 0;
}

// Whether some row quotes this very message.
bool is_told(const std::string &message) {
  const auto seen = all_seen();
  return std::any_of(seen.begin(), seen.end(), [&](const std::string &one) {
    const auto pieces = pieces_of(one);
    std::size_t stated = 0;
    for (const std::string &piece : pieces)
      stated += piece.size();
    return stated >= 8 && says(message, pieces);
  });
}

// Of all C++ sources that are no tests, below a room.
std::map<std::string, std::string> sources_below(const char *room, const std::string &ending) {
  std::map<std::string, std::string> texts;
  for (const auto &entry : fs::recursive_directory_iterator(source / room)) {
    const std::string name = entry.path().filename();
    if (name.ends_with(ending) && !name.ends_with("_test.cpp") && !name.starts_with("test_"))
      texts[fs::relative(entry.path(), source)] = text_of(entry.path());
  }
  return texts;
}

std::set<std::string> found_in(const std::map<std::string, std::string> &texts,
                               const std::string &pattern) {
  const std::regex what(pattern);
  std::set<std::string> found;
  for (const auto &[file, text] : texts)
    for (std::sregex_iterator one(text.begin(), text.end(), what), end; one != end; ++one)
      found.insert((*one)[1]);
  return found;
}

// ---- the page says only what the lab says ----

TEST(Troubleshooting, WhatIsQuotedIsInTheSources) {
  int quoted = 0;
  for (const Row &row : rows()) {
    if (row.head != "you see")
      continue;
    for (const std::string &one : quotations_in(row.cells.front())) {
      // A file is there, a command is typed; these have tests of their own.
      if (fs::exists(source / one) || one.starts_with("scripts/lab "))
        continue;
      const auto pieces = pieces_of(one);
      ++quoted;
      EXPECT_FALSE(pieces.empty()) << page_name << ":" << row.line << ": `" << one << "`";
      EXPECT_TRUE(std::any_of(messages().begin(), messages().end(),
                              [&](const std::string &m) { return says(m, pieces); }))
          << page_name << ":" << row.line << ": nothing in the sources says `" << one << "`";
    }
  }
  EXPECT_GT(quoted, 150);
}

TEST(Troubleshooting, EveryRowSaysWhatToDo) {
  for (const Row &row : rows()) {
    ASSERT_EQ(row.cells.size(), 3U) << page_name << ":" << row.line;
    for (const std::string &cell : row.cells)
      EXPECT_GT(cell.size(), 3U) << page_name << ":" << row.line;
  }
}

// ---- what the original's table had ----

TEST(Troubleshooting, EveryRowOfTheOriginalsTableIsThere) {
  // What the original's learner saw, and what must stand in a row for it here.
  const std::map<std::string, std::vector<std::string>> original = {
      {"its workspace takes too long to load", {"workspace takes long", "10 minutes"}},
      {"its first page is not open", {"docs/path/README.md", "not open", "list of files"}},
      {"the terminal is not visible", {"no terminal", "menu", "Ctrl"}},
      {"Grafana's port does not open", {"3002", "Grafana", "30 seconds"}},
      {"the database is not ready", {"database is not ready", "scripts/lab status", "seeded"}}};
  for (const auto &[what, words] : original)
    EXPECT_TRUE(std::any_of(rows().begin(), rows().end(),
                            [&words = words](const Row &row) {
                              const std::string all = row.cells[0] + row.cells[1] + row.cells[2];
                              return std::all_of(words.begin(), words.end(),
                                                 [&](const std::string &word) {
                                                   return all.find(word) != std::string::npos;
                                                 });
                            }))
        << page_name << " has no row for: " << what;
}

// ---- what the lab can say is in the page ----

TEST(Troubleshooting, EveryFailureCodeIsThere) {
  // With those that only a client sees, which no answer carries.
  std::set<std::string> codes = {"client_timeout",
                                 "connect_failed",
                                 "pool_timeout",
                                 "pool_rejected",
                                 "too_many_connections",
                                 "db_unavailable",
                                 "host_busy",
                                 "draining",
                                 "outcome_unknown",
                                 "query_failed",
                                 "bad_request",
                                 "forbidden",
                                 "not_found",
                                 "method_not_allowed",
                                 "strategy_refused",
                                 "too_large",
                                 "unsupported_media_type"};
  const std::size_t of_the_vocabulary = codes.size();
  auto texts = sources_below("host", ".cpp");
  texts.merge(sources_below("host", ".hpp"));
  codes.merge(found_in(texts, R"x([({ ][45][0-9][0-9], "([a-z_]+)")x"));
  EXPECT_EQ(codes.size(), of_the_vocabulary) << "a code that the vocabulary lacks";
  for (const std::string &code : codes)
    EXPECT_TRUE(is_quoted(code)) << page_name << " does not tell of " << code;
}

TEST(Troubleshooting, EveryKindOfFailedConnectIsThere) {
  const std::string text = text_of(source / page_name);
  const auto kinds =
      found_in(sources_below("db", "connect_failure.cpp"), R"x(return "([a-z]+(?:_[a-z]+)*)";)x");
  EXPECT_GE(kinds.size(), 8U);
  for (const std::string &kind : kinds)
    EXPECT_NE(text.find("`" + kind + "`"), std::string::npos) << kind;
}

TEST(Troubleshooting, EveryVerdictOfTheVerifierIsThere) {
  const auto words = found_in(sources_below("plugins", ".cpp"),
                              R"x((?:Unusable|Refusal|refused)\(\s*"([a-z]+)")x");
  EXPECT_GE(words.size(), 16U);
  std::string told = " ";
  for (const Row &row : rows())
    if (row.head == "word")
      told += std::regex_replace(row.cells.front(), std::regex(","), " ");
  for (const std::string &word : words)
    EXPECT_NE(told.find(" " + word + " "), std::string::npos)
        << page_name << " does not explain refused (" << word << ")";
}

TEST(Troubleshooting, EveryReasonWhyARunProvesNothingIsThere) {
  static const std::regex guard(R"x(against\(\s*"[a-z_]+",)x");
  const std::string text = text_of(source / "loadtest/summary.cpp");
  int guards = 0;
  for (std::sregex_iterator one(text.begin(), text.end(), guard), end; one != end; ++one) {
    const auto behind = static_cast<std::size_t>(one->position() + one->length());
    const std::string rest = text.substr(behind, text.find(";\n", behind) - behind);
    ++guards;
    const auto sentences = strings_in(rest);
    if (sentences.empty()) // a function says it
      continue;
    EXPECT_TRUE(is_told(sentences.front())) << page_name << " does not tell of: " << rest;
  }
  EXPECT_GE(guards, 8);
}

// A check is {NAME, Result::bad, SAID, TO_DO}; what is said may be somebody else's line.
TEST(Troubleshooting, EveryFindingOfDoctorIsThere) {
  static const std::regex finding(
      R"x(\{\s*("[^"]+"|name(?: \+ "[^"]+")?),\s*Result::(?:warn|bad),)x");
  int findings = 0;
  for (const auto &[file, text] : sources_below("loadtest/lab", "_checks.cpp"))
    for (std::sregex_iterator one(text.begin(), text.end(), finding), end; one != end; ++one) {
      ++findings;
      const auto behind = static_cast<std::size_t>(one->position() + one->length());
      const std::string rest = text.substr(behind, text.find(";\n", behind) - behind);
      for (const std::string &name : strings_in((*one)[1]))
        EXPECT_TRUE(is_quoted(name)) << page_name << " has no row for doctor's " << name;
      const std::string before = rest.substr(0, rest.find('"'));
      const bool elsewhere =
          before.find("what()") != std::string::npos || before.find("get<") != std::string::npos;
      if (elsewhere)
        continue;
      const std::string said = strings_in(rest).front();
      EXPECT_TRUE(said == "{}: {}" || is_told(said))
          << page_name << " does not tell what doctor says in " << file << ": " << said;
    }
  EXPECT_GE(findings, 20);
}

// ---- the tools of these tests ----

TEST(Messages, NeighbouringStringsAreOne) {
  EXPECT_EQ(strings_in("f(\"a \"\n  \"b\", \"c\\\"d\"); // \"no\"\n g('\"', R\"x(e\"f)x\")"),
            (std::vector<std::string>{"a b", "c\"d", "e\"f"}));
}

TEST(Messages, PlaceholdersStandForAnything) {
  EXPECT_TRUE(says("port {} is in use by {}: end", pieces_of("port PORT is in use by ...")));
  EXPECT_FALSE(says("port {} is in use by {}", pieces_of("port PORT is used by NAME")));
  EXPECT_TRUE(says("set LAB_HOME", pieces_of("set LAB_HOME")));
}

} // namespace
} // namespace lab::docs
