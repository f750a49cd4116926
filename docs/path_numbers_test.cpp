// No number on the path's pages is made up: each stands in docs/path/numbers.toml with
// a formula over facts read from the code, and both agree. What a run of the learner's
// gives is never a number there.
//
// Not looked at: fenced blocks, inline code, the minutes of a table, step numbers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include "docs/test_path_facts.hpp"
#include "docs/test_path_pages.hpp"
#include "docs/test_prose.hpp"

namespace lab::docs {
namespace {

namespace fs = std::filesystem;

const fs::path source = POOL_LAB_SOURCE;
const fs::path built_strategies = POOL_LAB_STRATEGIES;

struct Number {
  std::size_t from = 0, to = 0; // in the text
  double value = 0;
};

bool digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}
bool part_of_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// "1,500", "0.05", "48.5"; not the 99 of "p99".
std::vector<Number> numbers_in(const std::string &text) {
  std::vector<Number> numbers;
  for (std::size_t at = 0; at < text.size();) {
    if (!digit(text[at]) || (at > 0 && part_of_word(text[at - 1]))) {
      ++at;
      continue;
    }
    Number number{at, at, 0};
    std::string digits;
    for (; at < text.size(); ++at) {
      const bool inside =
          (text[at] == '.' || text[at] == ',') && at + 1 < text.size() && digit(text[at + 1]);
      if (!digit(text[at]) && !inside)
        break;
      if (text[at] != ',')
        digits += text[at];
    }
    number.to = at;
    number.value = std::stod(digits);
    numbers.push_back(number);
  }
  return numbers;
}

struct Entry {
  std::string phrase;
  std::vector<std::string> formulas; // one for each number of the phrase
  int line = 0;
  bool used = false;
};

struct Table {
  std::vector<Entry> entries;
  nlohmann::json given = nlohmann::json::object();
};

Table read_table() {
  Table table;
  const toml::table all = toml::parse_file((source / "docs/path/numbers.toml").string());
  for (const auto &[name, value] : *all["given"].as_table())
    table.given[std::string(name.str())] = value.value<double>().value();
  for (const toml::node &node : *all["number"].as_array()) {
    const toml::table &one = *node.as_table();
    Entry entry{one["text"].value<std::string>().value(),
                {},
                static_cast<int>(one.source().begin.line),
                false};
    if (const toml::array *list = one["is"].as_array())
      for (const toml::node &formula : *list)
        entry.formulas.push_back(formula.value<std::string>().value());
    else
      entry.formulas.push_back(one["is"].value<std::string>().value());
    table.entries.push_back(entry);
  }
  return table;
}

// "step 4", and "4." at the head of a heading, a link or a cell. They must be steps (in
// the table of the original's questions: questions).
bool counts_steps(const Piece &piece, const Number &number, double steps) {
  const bool cell_of_numbers = piece.column == "step" || piece.column == "question";
  const bool head =
      (number.from == 0 || (piece.linked[number.from] && !piece.linked[number.from - 1])) &&
      piece.text.compare(number.to, 2, ". ") == 0 &&
      (piece.kind == Piece::Kind::heading || piece.linked[number.from] || cell_of_numbers);
  std::string before = piece.text.substr(0, number.from);
  std::transform(before.begin(), before.end(), before.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  const bool named = before.ends_with("step ");
  const bool whole_cell = cell_of_numbers && number.from == 0 && number.to == piece.text.size();
  return (head || named || whole_cell) && number.value >= 1 && number.value <= steps;
}

std::string shown(double value) {
  return std::isnan(value) ? "unknown" : nlohmann::json(value).dump();
}

class Numbers : public testing::Test {
protected:
  Numbers() : facts_(facts_of_the_code(source, built_strategies)) {
    facts_.add("given", table_.given);
  }

  // Marks the characters that entries speak for, and compares.
  std::vector<bool> compare(const std::string &where, const Piece &piece) {
    std::vector<bool> covered(piece.text.size(), false);
    for (Entry &entry : table_.entries)
      for (auto at = piece.text.find(entry.phrase); at != std::string::npos;
           at = piece.text.find(entry.phrase, at + 1)) {
        const auto to = at + entry.phrase.size();
        if ((at > 0 && (part_of_word(piece.text[at - 1]) || piece.text[at - 1] == '.' ||
                        piece.text[at - 1] == ',')) ||
            (to < piece.text.size() && part_of_word(piece.text[to])))
          continue;
        entry.used = true;
        const auto numbers = numbers_in(entry.phrase);
        if (numbers.size() != entry.formulas.size()) {
          ADD_FAILURE() << "docs/path/numbers.toml line " << entry.line << ": \"" << entry.phrase
                        << "\" has " << numbers.size() << " numbers and " << entry.formulas.size()
                        << " formulas";
          continue;
        }
        for (std::size_t i = 0; i < numbers.size(); ++i) {
          const double value = path::evaluate(entry.formulas[i], facts_);
          EXPECT_TRUE(std::abs(value - numbers[i].value) < 1e-9)
              << where << ":" << piece.lines[at] << ": \"" << entry.phrase << "\", but "
              << entry.formulas[i] << " is " << shown(value);
        }
        std::fill(covered.begin() + static_cast<std::ptrdiff_t>(at),
                  covered.begin() + static_cast<std::ptrdiff_t>(to), true);
      }
    return covered;
  }

  void check(const std::string &where, const Piece &piece) {
    if (piece.column == "minutes")
      return;
    const std::vector<bool> covered = compare(where, piece);
    for (const Number &number : numbers_in(piece.text)) {
      ++seen_;
      EXPECT_TRUE(covered[number.from] || counts_steps(piece, number, facts_.value("steps.count")))
          << where << ":" << piece.lines[number.from] << ": the number "
          << piece.text.substr(number.from, number.to - number.from) << " (\"..."
          << piece.text.substr(number.from, 30)
          << "\") stands in no entry of docs/path/numbers.toml";
    }
  }

  void check_all() {
    for (const fs::path &page : all_pages(source))
      for (const Piece &piece : prose_of(source / page))
        check(page.string(), piece);
    for (const fs::path &picture : pictures(source))
      for (const Piece &piece : words_of(source / picture))
        check(picture.string(), piece);
  }

  Table table_ = read_table();
  path::Facts facts_;
  int seen_ = 0;
};

TEST_F(Numbers, EachComesFromTheCode) {
  check_all();
  EXPECT_GT(seen_, 100);
  for (const Entry &entry : table_.entries)
    EXPECT_TRUE(entry.used) << "docs/path/numbers.toml line " << entry.line << ": no page says \""
                            << entry.phrase << "\"";
}

} // namespace
} // namespace lab::docs
