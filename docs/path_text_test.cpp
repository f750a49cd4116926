// What the path's pages promise: every term explained where it first appears, the
// original's nine questions asked, the commands that the program asks for, plain
// sentences.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "docs/test_path_pages.hpp"
#include "docs/test_prose.hpp"
#include "loadtest/lab/path/course.hpp"

namespace lab::docs {
namespace {

namespace fs = std::filesystem;

const fs::path source = POOL_LAB_SOURCE;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::vector<std::string> bold_in(const Piece &piece) {
  std::vector<std::string> found;
  for (std::size_t i = 0; i < piece.text.size(); ++i)
    if (piece.bold[i]) {
      if (i == 0 || !piece.bold[i - 1])
        found.emplace_back();
      found.back() += piece.text[i];
    }
  return found;
}

// ---- the glossary ----

std::set<std::string> glossary() {
  std::set<std::string> terms;
  for (const Piece &piece : prose_of(source / "docs/path/glossary.md"))
    for (const std::string &term : bold_in(piece))
      terms.insert(lower(term));
  return terms;
}

std::vector<std::string> longest_first(const std::set<std::string> &terms) {
  std::vector<std::string> sorted(terms.begin(), terms.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto &a, const auto &b) { return a.size() > b.size(); });
  return sorted;
}

// The first occurrence of each term in the pieces, in any form "pool" or "pools".
// Headings, links and what stands below pictures only name things.
class FirstAppearances {
public:
  explicit FirstAppearances(const std::set<std::string> &terms) : terms_(longest_first(terms)) {}

  void read(const std::string &page, const Piece &piece) {
    if (piece.kind == Piece::Kind::heading)
      return;
    std::string text = lower(piece.text);
    for (std::size_t i = 0; i < text.size(); ++i)
      if (piece.linked[i])
        text[i] = '\n';
    for (const std::string &term : terms_) {
      const std::regex word("\\b" + term + "s?\\b");
      for (std::smatch found; std::regex_search(text, found, word);) {
        const auto at = static_cast<std::size_t>(found.position());
        if (seen_.insert(term).second) {
          EXPECT_TRUE(piece.bold[at]) << page << ":" << piece.lines[at] << ": \"" << term
                                      << "\" appears first here, so it is bold here, and explained";
        }
        // A longer term is no appearance of the shorter one in it.
        std::fill_n(text.begin() + found.position(), found.length(), '\n');
      }
    }
  }

  const std::set<std::string> &seen() const { return seen_; }

private:
  std::vector<std::string> terms_;
  std::set<std::string> seen_;
};

TEST(PathText, EveryTermIsBoldWhereItFirstAppears) {
  const std::set<std::string> terms = glossary();
  ASSERT_GT(terms.size(), 20U);
  FirstAppearances appearances(terms);
  for (const fs::path &page : pages_in_order(source))
    for (const Piece &piece : prose_of(source / page))
      appearances.read(page.string(), piece);
  for (const std::string &term : terms)
    EXPECT_TRUE(appearances.seen().contains(term))
        << "docs/path/glossary.md: no page says " << term;
}

TEST(PathText, EveryBoldWordIsInTheGlossary) {
  const std::set<std::string> terms = glossary();
  for (const fs::path &page : all_pages(source))
    for (const Piece &piece : prose_of(source / page))
      for (const std::string &bold : bold_in(piece))
        EXPECT_TRUE(terms.contains(lower(bold)) ||
                    (bold.ends_with("s") && terms.contains(lower(bold.substr(0, bold.size() - 1)))))
            << page.string() << ":" << piece.lines.front() << ": " << bold
            << " is bold, and not in the glossary";
}

TEST(PathText, TheGlossaryIsInTheOrderOfTheAlphabet) {
  std::vector<std::string> terms;
  for (const Piece &piece : prose_of(source / "docs/path/glossary.md"))
    for (const std::string &term : bold_in(piece))
      terms.push_back(lower(term));
  EXPECT_TRUE(std::is_sorted(terms.begin(), terms.end()));
}

// ---- plain English ----

constexpr int longest_sentence = 35; // words

TEST(PathText, NoSentenceIsTooLong) {
  for (const fs::path &page : all_pages(source))
    for (const Piece &piece : prose_of(source / page)) {
      int words = 0;
      int line = 0;
      std::istringstream in(piece.text);
      for (std::string word; in >> word;) {
        if (words++ == 0)
          line = piece.lines[in.tellg() < 0 ? piece.text.size() - 1
                                            : static_cast<std::size_t>(in.tellg()) - 1];
        const auto last = word.find_last_not_of("\")");
        const bool ends =
            last != std::string::npos && std::string(".!?").find(word[last]) != std::string::npos;
        EXPECT_FALSE(words == longest_sentence + 1)
            << page.string() << ":" << line << ": a sentence of more than " << longest_sentence
            << " words begins here";
        if (ends)
          words = 0;
      }
    }
}

TEST(PathText, NothingIsCalledEasy) {
  static const std::regex belittling(R"(\b(simply|just|obviously|of course|trivial)\b)");
  for (const fs::path &page : all_pages(source))
    for (const Piece &piece : prose_of(source / page)) {
      std::smatch found;
      const std::string text = lower(piece.text);
      EXPECT_FALSE(std::regex_search(text, found, belittling))
          << page.string() << ":" << piece.lines[static_cast<std::size_t>(found.position())] << ": "
          << found.str();
    }
}

// ---- the steps ----

TEST(PathText, EveryStepHasItsPageAndItsSolution) {
  std::set<std::string> stems;
  for (const path::Step &step : steps_of(source)) {
    stems.insert(step.stem());
    EXPECT_TRUE(fs::exists(source / "docs/path" / (step.stem() + ".md"))) << step.stem();
    EXPECT_TRUE(fs::exists(source / "docs/path/solutions" / (step.stem() + ".md"))) << step.stem();
  }
  static const std::regex numbered("[0-9]+-.*");
  for (const fs::path &page : all_pages(source))
    if (std::regex_match(page.stem().string(), numbered)) {
      EXPECT_TRUE(stems.contains(page.stem())) << page.string() << " belongs to no step";
    }
}

TEST(PathText, EveryCommandOfAStepStandsOnItsPage) {
  for (const path::Step &step : steps_of(source)) {
    const fs::path page = source / "docs/path" / (step.stem() + ".md");
    std::string blocks = "\n";
    for (const Fence &fence : fences_of(page))
      blocks += fence.text;
    const auto shows = [&](const std::string &command) {
      EXPECT_NE(blocks.find("\n" + command + "\n"), std::string::npos)
          << page.string() << ": the program asks for `" << command << "`, and no block shows it";
    };
    if (!step.predictions.empty())
      shows("scripts/lab predict");
    for (const path::PlannedRun &run : step.runs)
      for (const std::string &command : path::commands_for(run, path::Progress()))
        shows(command);
    shows("scripts/lab check");
  }
}

// Rows of cells, below a table whose first columns are these.
std::vector<std::map<std::string, Piece>>
rows(const fs::path &page, const std::string &first_column, const std::string &another_column) {
  std::vector<std::map<std::string, Piece>> found;
  for (const Piece &piece : prose_of(page)) {
    if (piece.kind != Piece::Kind::cell)
      continue;
    if (piece.column == first_column)
      found.emplace_back();
    if (!found.empty())
      found.back()[piece.column] = piece;
  }
  std::erase_if(found, [&](const auto &row) { return !row.contains(another_column); });
  return found;
}

TEST(PathText, TheTableOfStepsIsTheSteps) {
  const auto table = rows(source / "docs/path/README.md", "step", "what you will have seen");
  const auto steps = steps_of(source);
  ASSERT_EQ(table.size(), steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    EXPECT_EQ(table[i].at("step").text, std::to_string(steps[i].number) + ". " + steps[i].title);
    EXPECT_EQ(table[i].at("minutes").text, std::to_string(steps[i].minutes)) << steps[i].title;
    const auto head = prose_of(source / "docs/path" / (steps[i].stem() + ".md")).front();
    EXPECT_EQ(head.text, table[i].at("step").text);
  }
}

TEST(PathText, TheInstructorsTimingsAreTheSteps) {
  std::map<int, int> minutes;
  for (const path::Step &step : steps_of(source))
    minutes[step.number] = step.minutes;
  const auto table = rows(source / "docs/path/instructors.md", "step", "what goes wrong");
  std::set<int> told;
  for (const auto &row : table) {
    const int step = std::stoi(row.at("step").text);
    told.insert(step);
    EXPECT_EQ(std::stoi(row.at("minutes").text), minutes[step]) << "step " << step;
  }
  EXPECT_EQ(told.size(), minutes.size());
}

// ---- adding a step ----

TEST(PathText, TheExampleOfAStepIsOne) {
  std::string example;
  for (const Fence &fence : fences_of(source / "docs/path/instructors.md"))
    if (fence.mark == "toml")
      example += fence.text;
  std::string name = fs::temp_directory_path() / "step-XXXXXX";
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  const fs::path folder = name;
  std::ofstream(folder / "10-example.toml") << example;
  EXPECT_NO_THROW((void)path::read_steps(folder)) << example;
  fs::remove_all(folder);
}

TEST(PathText, EveryKeyOfAStepIsExplained) {
  const std::string reader = text_of(source / "loadtest/lab/path/step.cpp");
  const std::string page = text_of(source / "docs/path/instructors.md");
  static const std::regex allowed(R"(allow\([^{]*\{([^}]*)\})");
  static const std::regex key(R"x("([a-z_]+)")x");
  int keys = 0;
  for (std::sregex_iterator list(reader.begin(), reader.end(), allowed), end; list != end; ++list) {
    const std::string names = (*list)[1];
    for (std::sregex_iterator one(names.begin(), names.end(), key), last; one != last; ++one) {
      ++keys;
      const std::string name = (*one)[1];
      EXPECT_TRUE(page.find("`" + name + "`") != std::string::npos ||
                  page.find("`[[" + name + "]]`") != std::string::npos)
          << "docs/path/instructors.md does not explain " << name;
    }
  }
  EXPECT_GT(keys, 30);
}

// ---- the original's nine questions ----

struct Asked {
  std::string step, id, type;
  bool operator<(const Asked &other) const {
    return std::tie(step, id, type) < std::tie(other.step, other.id, other.type);
  }
};
std::ostream &operator<<(std::ostream &out, const Asked &asked) {
  return out << "step " << asked.step << ", " << asked.id << ", " << asked.type;
}

// The id is inline code, which prose leaves out.
std::map<std::string, std::set<Asked>> table_of_questions() {
  static const std::regex row(
      R"(\| ([0-9]+)\. [^|]*\| ([0-9]+) \| `([a-z-]+)` \| (choice|number) \| [^|]+\|)");
  std::map<std::string, std::set<Asked>> table;
  std::istringstream in(text_of(source / "docs/path/README.md"));
  for (std::string line; std::getline(in, line);) {
    std::smatch cells;
    if (std::regex_match(line, cells, row)) {
      EXPECT_TRUE(table[cells[1]].insert({cells[2], cells[3], cells[4]}).second) << line;
    }
  }
  return table;
}

TEST(PathText, AllNineQuestionsOfTheOriginalAreAsked) {
  std::map<std::string, std::set<Asked>> asked;
  for (const path::Step &step : steps_of(source))
    for (const path::Question &question : step.questions)
      if (!question.original.empty())
        asked[question.original].insert(
            {std::to_string(step.number), question.id, question.is_choice() ? "choice" : "number"});
  const auto table = table_of_questions();
  for (int number = 1; number <= 9; ++number) {
    const std::string original = std::to_string(number);
    ASSERT_TRUE(asked.contains(original)) << "no step asks question " << original;
    ASSERT_TRUE(table.contains(original))
        << "docs/path/README.md does not list question " << original;
    for (const Asked &one : asked.at(original))
      EXPECT_TRUE(table.at(original).contains(one)) << "docs/path/README.md does not list " << one;
    for (const Asked &one : table.at(original))
      EXPECT_TRUE(asked.at(original).contains(one)) << "docs/path/README.md lists " << one;
  }
  EXPECT_EQ(asked.size(), 9U);
  EXPECT_EQ(table.size(), 9U);
}

// Every question of a step is explained in its solution.
TEST(PathText, EverySolutionExplainsEveryQuestion) {
  for (const path::Step &step : steps_of(source)) {
    const std::string solution = text_of(source / "docs/path/solutions" / (step.stem() + ".md"));
    for (const path::Question &question : step.questions)
      EXPECT_NE(solution.find("\n- `" + question.id + "`: "), std::string::npos)
          << step.stem() << ": the solution says nothing of " << question.id;
  }
}

// ---- pictures ----

TEST(PathText, EveryPictureIsShownAndCanBeReadAloud) {
  static const std::regex shown(R"(!\[([^\]]{40,})\]\(pictures/([a-z-]+\.svg)\))");
  std::set<std::string> used;
  for (const fs::path &page : all_pages(source)) {
    const std::string text = text_of(source / page);
    for (std::sregex_iterator one(text.begin(), text.end(), shown), end; one != end; ++one)
      used.insert((*one)[2]);
  }
  const auto all = pictures(source);
  EXPECT_EQ(all.size(), 7U);
  for (const fs::path &picture : all) {
    const std::string text = text_of(source / picture);
    EXPECT_TRUE(used.contains(picture.filename()))
        << picture.string() << " is shown nowhere, or without words";
    for (const char *needed :
         {"<title", "<desc", "role=\"img\"", "prefers-color-scheme: dark", "viewBox"})
      EXPECT_NE(text.find(needed), std::string::npos) << picture.string() << " lacks " << needed;
  }
}

} // namespace
} // namespace lab::docs
