// The page to hand in, and the table of a class, from progress that is made by hand.
#include <filesystem>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/path/class_table.hpp"
#include "loadtest/lab/path/effort.hpp"
#include "loadtest/lab/path/report.hpp"
#include "loadtest/lab/state.hpp"

namespace lab::path {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr UnixMs begun = 1'700'000'000'000, minute = 60'000;

constexpr const char *break_step = R"(title = "Break it"
minutes = 6
short = true
now = "A pool of 3."
hints = ["look", "think", "type"]
[[predict]]
id = "share"
ask = "What share fails?"
outcome = "small.failed_percent"
unit = "%"
[[run]]
name = "small"
what = "120 a second on fixed_tiny"
strategy = "fixed_tiny"
profile = "hold"
[[expect]]
that = "small.failed_percent > 10"
value = "small.failed_percent"
pass = "{} % failed, as it must"
fail = "only {} % failed"
[[question]]
id = "cause"
ask = "Why did they fail?"
right = "The pool was too small"
wrong = [{ text = "The database was slow" }, { text = "The moon" }]
[[question]]
id = "needed"
ask = "How many connections were needed?"
number = "small.pool.needed"
within = 0.1
)";

constexpr const char *size_step = R"(title = "Size it"
minutes = 5
now = "Write a size into my/settings.toml."
hints = ["look", "think", "type"]
[[run]]
name = "after"
what = "the load with your size"
strategy = "fixed_tiny"
profile = "hold"
[[expect]]
that = "settings.fixed_tiny.max == after.params.max"
value = "after.params.max"
pass = "{} connections, as the file says"
fail = "{} connections, which the file does not say"
)";

json run_of(double failed_percent) {
  return {{"folder", "20231114T221320Z-hold-fixed_tiny-1"},
          {"strategy", "fixed_tiny"},
          {"profile", "hold"},
          {"verdict", "pass"},
          {"seconds", 8},
          {"started_ms", begun + 2 * minute},
          {"failed_percent", failed_percent},
          {"params", {{"max", 3}}},
          {"pool", {{"needed", 6.0}}}};
}

// Passed at the first try, 7 minutes.
StepProgress passed_break() {
  StepProgress done;
  done.begun_ms = begun;
  done.predicted_ms = begun + minute;
  done.ended_ms = begun + 7 * minute;
  done.predictions = {{"share", "35"}};
  done.tries = {{"cause", {"The pool was too small"}}, {"needed", {"6"}}};
  done.runs = {{"small", run_of(52)}};
  done.checks = 2;
  return done;
}

StepProgress passed_size() {
  StepProgress done;
  done.begun_ms = begun;
  done.ended_ms = begun + 3 * minute;
  done.runs = {{"after", run_of(0)}};
  return done;
}

class Report : public testing::Test {
protected:
  Report() {
    std::string name = fs::temp_directory_path() / "pool-lab-test-XXXXXX";
    if (!::mkdtemp(name.data()))
      throw std::runtime_error("no temporary folder");
    folder_ = name;
    fs::create_directories(places().path_steps());
    fs::create_directories(places().records());
    fs::create_directories(handed_in());
    write(places().path_steps() / "1-break.toml", break_step);
    write(places().path_steps() / "2-size.toml", size_step);
    anna_.learner = "Anna";
    anna_.salt = 7;
    anna_.steps["break"] = passed_break();
  }
  ~Report() override {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }

  cli::Places places() const { return {folder_ / "home", folder_ / "work"}; }
  fs::path handed_in() const { return folder_ / "class"; }

  static void write(const fs::path &file, const std::string &text) {
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  std::string page() const {
    write(places().progress(), to_json(anna_).dump());
    return html_report(Course(places()), {anna_.learner, "2026-01-31", "4 cores"});
  }

  void hand_in(const std::string &file, const Progress &progress) const {
    write(handed_in() / file, to_json(progress).dump());
  }
  ClassTable table() const { return read_class(handed_in(), read_steps(places().path_steps())); }
  Stored only_step() const { return table().rows.at(0).steps.at(0); }

  StepProgress &done() { return anna_.steps["break"]; }

  fs::path folder_;
  Progress anna_;
};

// What stands between two texts, the first of them included.
std::string part(const std::string &page, const std::string &from, const std::string &to) {
  const auto begin = page.find(from);
  return begin == std::string::npos ? "" : page.substr(begin, page.find(to, begin) - begin);
}

std::string row_of_summary(const std::string &page, int step) {
  return part(page, "<a href=\"#step-" + std::to_string(step), "</tr>");
}

std::string section(const std::string &page, int step) {
  return part(page, "<section id=\"step-" + std::to_string(step), "</section>");
}

// ---- the page ------------------------------------------------------------------

TEST_F(Report, EscapesAllThatComesFromFiles) {
  const std::string evil = "<script>alert(\"1\")</script>";
  write(places().path_steps() / "2-size.toml",
        "title = '" + evil + "'\n" +
            std::string(size_step).substr(std::string(size_step).find("minutes")));
  anna_.learner = evil;
  done().predictions["share"] = evil;
  done().tries["cause"] = {evil, "The pool was too small"};
  done().runs["small"]["folder"] = evil;
  done().runs["small"]["failed_main"] = {{"code", evil}};
  const std::string html = page();
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("alert(\"")));
  // The name stands in the title, the heading and the list at the top.
  std::size_t shown = 0;
  for (auto at = html.find("&lt;script&gt;"); at != std::string::npos;
       at = html.find("&lt;script&gt;", at + 1))
    ++shown;
  EXPECT_GE(shown, 3U + 2U + 4U);
}

TEST_F(Report, AsksNothingOfTheNetworkAndRunsNoScript) {
  fs::remove_all(places().path_steps());
  fs::copy(fs::path(LAB_SOURCE) / "docs/path/steps", places().path_steps());
  const std::string html = page();
  for (const char *never :
       {"http", "<script", "<link", "<img", "src=", "url(", "@import", "onload"})
    EXPECT_THAT(html, Not(HasSubstr(never)));
}

TEST_F(Report, ShowsEveryStepOfThePath) {
  fs::remove_all(places().path_steps());
  fs::copy(fs::path(LAB_SOURCE) / "docs/path/steps", places().path_steps());
  anna_.minutes = 15;
  const std::string html = page();
  const auto steps = read_steps(places().path_steps());
  ASSERT_GE(steps.size(), 9U);
  for (const Step &step : steps) {
    EXPECT_THAT(row_of_summary(html, step.number),
                HasSubstr(step.in_short_route ? "ahead" : "not on this route"));
    EXPECT_NE(section(html, step.number), "") << step.stem();
  }
}

TEST_F(Report, ShowsStandingAsWordAndSignWithTimeAndChecks) {
  const std::string row = row_of_summary(page(), 1);
  EXPECT_THAT(row, HasSubstr("✓ passed"));
  EXPECT_THAT(row, HasSubstr("7 min"));
  EXPECT_THAT(row, HasSubstr("<td data-is=\"checks\">2</td>"));
}

TEST_F(Report, SaysWhatWasGuessed) {
  done().tries["cause"] = {"The moon", "The database was slow", "The pool was too small"};
  const std::string html = page();
  EXPECT_THAT(row_of_summary(html, 1), HasSubstr("<td data-is=\"guessed\">cause</td>"));
  EXPECT_THAT(section(html, 1), HasSubstr("? guessed</span>, 3 tries"));
  EXPECT_THAT(section(html, 1), HasSubstr("before: The moon; The database was slow"));
  EXPECT_THAT(section(html, 1), HasSubstr("✓ right</span>, 1 try")) << "the other question";
}

TEST_F(Report, SaysWhichHintsAndSolutionsWereSeen) {
  done().hints = 2;
  done().solution_shown = true;
  const std::string html = page();
  EXPECT_THAT(row_of_summary(html, 1), HasSubstr("<td data-is=\"hints\">2</td>"));
  EXPECT_THAT(row_of_summary(html, 1), HasSubstr("<td data-is=\"solution\">shown</td>"));
  EXPECT_THAT(section(html, 1), HasSubstr("hints: 2 of 3, solution shown"));
}

TEST_F(Report, KeepsWhatWasDoneBeforeAgain) {
  done().earlier = {{{"begun_ms", begun - 9 * minute},
                     {"ended_ms", begun - 5 * minute},
                     {"checks", 6},
                     {"hints", 3},
                     {"solution_shown", true},
                     {"tries", {{"cause", {"The moon", "The moon"}}}}},
                    "no object at all"};
  const std::string html = page();
  EXPECT_THAT(row_of_summary(html, 1), HasSubstr("2, solution seen then"));
  EXPECT_THAT(section(html, 1), HasSubstr("Earlier try 1: 4 min, 6 checks, hints: 3 of 3, solution "
                                          "shown, 2 given as answers"));
}

TEST_F(Report, OfAStepThatWasSkippedHalfWayTakesTheRunsThatAreThere) {
  done().skipped = true;
  json run = run_of(52);
  run.erase("folder");
  for (const char *file : {"run.json", "histograms.json"})
    write(places().runs() / "20231114T221320Z-hold-fixed_tiny-1" / file, "{}");
  write(places().runs() / "20231114T221320Z-hold-fixed_tiny-1" / "summary.json", run.dump());
  done().runs.clear();
  const std::string html = section(page(), 1);
  EXPECT_THAT(html, HasSubstr("» skipped"));
  EXPECT_THAT(html, HasSubstr("<td data-is=\"outcome\">52 %</td>"));
  EXPECT_THAT(html, HasSubstr("✓ right"));
  EXPECT_THAT(html, Not(HasSubstr("not right")));
}

TEST_F(Report, OfAnUnprovenStepThatWasMeasuredAgainSaysWhatIsLeft) {
  done().unproven = true;
  done().runs["small"]["verdict"] = "invalid";
  EXPECT_THAT(section(page(), 1), Not(HasSubstr("measured again")));
  json run = run_of(60);
  run["started_ms"] = begun + 9 * minute;
  const auto folder = places().runs() / "20231114T222320Z-hold-fixed_tiny-1";
  for (const char *file : {"run.json", "histograms.json"})
    write(folder / file, "{}");
  write(folder / "summary.json", run.dump());
  EXPECT_THAT(section(page(), 1), HasSubstr("measured again since: scripts/lab check 1 looks at "
                                            "that"));
}

TEST_F(Report, PutsThePredictionBesideTheOutcome) {
  EXPECT_THAT(section(page(), 1), HasSubstr("<td data-is=\"predicted\">35 %</td>"
                                            "<td data-is=\"outcome\">52 %</td>"));
}

TEST_F(Report, TellsNoOutcomeBeforeTheRun) {
  done().ended_ms = 0;
  done().runs.clear();
  const std::string html = section(page(), 1);
  EXPECT_THAT(html, HasSubstr("35 %"));
  EXPECT_THAT(html, HasSubstr("not known yet"));
  EXPECT_THAT(html, Not(HasSubstr("52")));
}

TEST_F(Report, ShowsTableFindingsAndRunsOfAStep) {
  const std::string html = section(page(), 1);
  EXPECT_THAT(html, HasSubstr("<th scope=\"row\">failed, %</th><td>52</td>"));
  EXPECT_THAT(html, HasSubstr("52 % failed, as it must"));
  EXPECT_THAT(html, HasSubstr(".lab/runs/20231114T221320Z-hold-fixed_tiny-1"));
}

TEST_F(Report, JudgesAgainSoAnEditedFileShows) {
  done().runs["small"]["failed_percent"] = 2;
  const std::string html = page();
  EXPECT_THAT(row_of_summary(html, 1), HasSubstr("✗ no longer holds"));
  EXPECT_THAT(section(html, 1), HasSubstr("no longer holds: only 2 % failed"));
}

TEST_F(Report, OfALabThatIsDownSaysWhatWasNotCompared) {
  anna_.steps["size"] = passed_size();
  // Nobody listens on port 1, so the file can't be checked.
  cli::StateFile(places().state()).change([](cli::State &state) { state.port = 1; });
  write(places().my_settings(), "[fixed_tiny]\nmax = 3\n");
  const std::string down = page();
  EXPECT_THAT(row_of_summary(down, 2), HasSubstr("✓ passed"));
  EXPECT_THAT(section(down, 2), HasSubstr("not compared with my/settings.toml"));
}

TEST(Effort, OfATryThatWasSkippedHasNoTime) {
  StepProgress done;
  done.earlier = {{{"begun_ms", begun}, {"ended_ms", begun + minute}, {"skipped", false}},
                  {{"begun_ms", begun}, {"ended_ms", begun + 50 * minute}, {"skipped", true}}};
  const auto efforts = earlier_efforts(done);
  EXPECT_EQ(minutes_text(efforts.at(0).taken), "1 min");
  EXPECT_EQ(minutes_text(efforts.at(1).taken), "-");
}

TEST(Effort, OfAFileThatEndsBeforeItBeginsHasNoTime) {
  StepProgress done;
  done.begun_ms = begun;
  done.ended_ms = begun - minute;
  EXPECT_EQ(minutes_text(effort_of(done).taken), "-");
  done.ended_ms = begun + 10;
  EXPECT_EQ(minutes_text(effort_of(done).taken), "under a minute");
}

// ---- the class -----------------------------------------------------------------

TEST_F(Report, OfAClassHasARowForEachLearner) {
  hand_in("deep/er/one.json", anna_);
  anna_.learner = "";
  anna_.steps["break"].tries["cause"] = {"The moon", "The database was slow",
                                         "The pool was too small"};
  anna_.steps["break"].hints = 2;
  anna_.steps["break"].solution_shown = true;
  anna_.steps["size"] = {};
  anna_.steps["size"].skipped = true;
  hand_in("two.json", anna_);
  const std::string csv = as_csv(table());
  EXPECT_EQ(csv, "learner,file,route,1-break,2-size,hints,solutions,minutes,earlier\r\n"
                 "Anna,deep/er/one.json,45,passed,ahead,0,0,7,\r\n"
                 "two.json,two.json,45,guessed,skipped,2,1,7,\r\n");
  const std::string text = as_text(table());
  EXPECT_THAT(text, HasSubstr("Anna         45   ✓  -      0          0        7  -\n"));
  EXPECT_THAT(text, HasSubstr("two.json     45   ~  »      2          1        7  -\n"));
  EXPECT_THAT(text, HasSubstr("~ guessed"));
}

TEST_F(Report, OfAClassCallsDoubtfulWhatTheKeptRunsDoNotShow) {
  const auto doubt_after = [this](const std::function<void(StepProgress &)> &edit) {
    anna_.steps["break"] = passed_break();
    edit(done());
    hand_in("anna.json", anna_);
    EXPECT_EQ(only_step().standing, Standing::broken);
    EXPECT_THAT(as_csv(table()), HasSubstr(",doubtful,"));
    EXPECT_THAT(as_text(table()), HasSubstr("! Anna, step 1: " + only_step().doubt));
    return only_step().doubt;
  };
  EXPECT_EQ(doubt_after([](auto &done) { done.runs["small"]["failed_percent"] = 2; }),
            "only 2 % failed");
  EXPECT_EQ(doubt_after([](auto &done) { done.runs.clear(); }),
            "no run yet of 120 a second on fixed_tiny");
  EXPECT_EQ(doubt_after([](auto &done) { done.runs["small"]["strategy"] = "adaptive"; }),
            "the run that is kept as small is not 120 a second on fixed_tiny");
  EXPECT_EQ(doubt_after([](auto &done) { done.runs["small"]["verdict"] = "invalid"; }),
            "the run that is kept as small is invalid");
  EXPECT_EQ(doubt_after([](auto &done) { done.runs["small"]["started_ms"] = begun; }),
            "the run that is kept as small began before the prediction");
  EXPECT_EQ(doubt_after([](auto &done) { done.tries["needed"] = {"600"}; }),
            "the answer to needed is not the right one");
  EXPECT_THAT(doubt_after([](auto &done) { done.predicted_ms = 0; }), HasSubstr("predict first"));
}

TEST_F(Report, OfAClassLeavesSettingsOutOfJudgement) {
  anna_.steps["size"] = passed_size();
  hand_in("anna.json", anna_);
  EXPECT_EQ(table().rows.at(0).steps.at(1).standing, Standing::passed);
}

TEST_F(Report, OfAClassTellsUnprovenFromPassed) {
  done().unproven = true;
  done().runs["small"]["verdict"] = "invalid";
  hand_in("anna.json", anna_);
  EXPECT_EQ(only_step().standing, Standing::unproven);
  EXPECT_THAT(as_text(table()), HasSubstr("?"));
}

TEST_F(Report, OfAClassCountsWhatWasDoneBeforeAgain) {
  done().earlier = {{{"begun_ms", begun - 9 * minute},
                     {"ended_ms", begun - 5 * minute},
                     {"hints", 3},
                     {"solution_shown", true}}};
  hand_in("anna.json", anna_);
  const ClassRow row = table().rows.at(0);
  EXPECT_EQ(row.hints, 3);
  EXPECT_EQ(row.solutions, 1);
  EXPECT_EQ(row.taken, std::chrono::minutes(11));
}

TEST_F(Report, OfAClassSaysWhatStoodEarlierAndStandsNoMore) {
  const auto earlier = [this](const json &before, const std::function<void(StepProgress &)> &now) {
    anna_.steps["break"] = passed_break();
    anna_.steps["size"] = passed_size();
    done().earlier = {before};
    now(done());
    hand_in("anna.json", anna_);
    const std::string csv = as_csv(table());
    const std::string last = csv.substr(csv.rfind(','));
    EXPECT_THAT(as_text(table()), HasSubstr(last == ",1-break\r\n" ? "  1\n" : "  -\n"));
    EXPECT_EQ(as_json(table()).at("learners").at(0).at("steps").at("break").at("earlier"),
              last == ",1-break\r\n");
    return last;
  };
  const json ended = {{"begun_ms", begun - 9 * minute}, {"ended_ms", begun - 5 * minute}};
  const auto anew = [](StepProgress &done) { done.ended_ms = 0; };
  EXPECT_EQ(earlier(ended, anew), ",1-break\r\n");
  EXPECT_EQ(earlier(ended, [](StepProgress &) {}), ",\r\n") << "it stands again";
  EXPECT_EQ(earlier(ended, [](StepProgress &done) { done.runs.clear(); }), ",1-break\r\n")
      << "the file does not bear out that it stands";
  EXPECT_EQ(earlier({{"begun_ms", begun}}, anew), ",\r\n") << "it never ended";
  json skipped = ended;
  skipped["skipped"] = true;
  EXPECT_EQ(earlier(skipped, anew), ",\r\n") << "that was no standing";
  EXPECT_EQ(earlier("damaged", anew), ",\r\n");
  EXPECT_EQ(earlier({}, [](StepProgress &done) { done.skipped = true; }), ",1-break\r\n")
      << "it was passed, and skipped since";
}

TEST_F(Report, OfAClassCountsAnAnswerWhoseTextIsGoneAndSaysSo) {
  done().tries["cause"] = {"What it was called long ago"};
  hand_in("anna.json", anna_);
  EXPECT_EQ(only_step().standing, Standing::passed);
  EXPECT_THAT(as_text(table()),
              HasSubstr("· Anna, step 1: the answer to cause is none of the options that this lab "
                        "has, and counted when the step ended\n"));
  EXPECT_THAT(section(page(), 1),
              HasSubstr("? no longer among the options, and still counts</span>, 1 try"));
}

TEST_F(Report, OfAClassLeavesADamagedFileOutWithOneLine) {
  hand_in("anna.json", anna_);
  write(handed_in() / "cut.json", to_json(anna_).dump().substr(0, 100));
  json wrong_type = to_json(anna_);
  wrong_type["steps"]["break"]["runs"]["small"] = 5;
  write(handed_in() / "edited.json", wrong_type.dump());
  wrong_type["steps"]["break"] = "passed";
  write(handed_in() / "retyped.json", wrong_type.dump());
  write(handed_in() / "state.json", R"({"port": 3000})");
  std::string deep;
  for (int i = 0; i < 100'000; ++i)
    deep += "[";
  write(handed_in() / "deep.json", deep);
  write(handed_in() / "notes.txt", "{}");
  fs::create_symlink("/etc/passwd", handed_in() / "link.json");
  fs::create_directory_symlink(folder_ / "work", handed_in() / "elsewhere");
  write(places().progress(), to_json(anna_).dump()); // behind the link
  const ClassTable read = table();
  ASSERT_EQ(read.rows.size(), 2U);
  EXPECT_EQ(read.rows[0].file, "anna.json");
  EXPECT_EQ(read.rows[1].file, "edited.json"); // a run that is none: its step is doubtful
  std::map<std::string, std::string> left;
  for (const LeftOut &one : read.left_out) {
    EXPECT_THAT(one.why, Not(HasSubstr("\n")));
    left[one.file] = one.why;
  }
  EXPECT_EQ(left.size(), 5U);
  EXPECT_THAT(left["cut.json"], HasSubstr("damaged"));
  EXPECT_THAT(left["retyped.json"], HasSubstr("damaged"));
  EXPECT_THAT(left["state.json"], HasSubstr("no progress file"));
  EXPECT_THAT(left["deep.json"], HasSubstr("no progress file"));
  EXPECT_THAT(left["link.json"], HasSubstr("link"));
}

TEST_F(Report, OfAClassPassesOverWhatLabsRecord) {
  hand_in("anna/.lab/progress.json", anna_);
  write(handed_in() / "anna/.lab/runs/1/summary.json", "{}");
  EXPECT_EQ(table().rows.size(), 1U);
  EXPECT_TRUE(table().left_out.empty());
}

TEST_F(Report, OfAClassTellsLearnersOfOneNameApart) {
  hand_in("a.json", anna_);
  hand_in("b.json", anna_);
  EXPECT_THAT(as_text(table()), HasSubstr("Anna (a.json)"));
  EXPECT_THAT(as_text(table()), HasSubstr("Anna (b.json)"));
}

TEST_F(Report, OfAClassSaysBothGuessedAndStandingInJson) {
  done().tries["needed"] = {"1", "2", "3", "4", "6"};
  hand_in("anna.json", anna_);
  const json one = as_json(table()).at("learners").at(0);
  EXPECT_EQ(one.at("steps").at("break"), json({{"standing", "passed"},
                                               {"guessed", true},
                                               {"doubt", ""},
                                               {"note", ""},
                                               {"earlier", false}}));
  EXPECT_EQ(one.at("steps").at("size").at("standing"), "ahead");
}

TEST_F(Report, OfNoFolderSaysSo) {
  EXPECT_THROW(read_class(folder_ / "nowhere", {}), cli::SetUpFailed);
}

TEST(Csv, QuotesAsTheStandardSays) {
  EXPECT_EQ(csv_cell("Anna"), "Anna");
  EXPECT_EQ(csv_cell("O'Hara, \"Al\""), "\"O'Hara, \"\"Al\"\"\"");
  EXPECT_EQ(csv_cell("two\nlines"), "\"two\nlines\"");
}

TEST(Csv, HasNoFormula) {
  for (const std::string begin : {"=", "+", "-", "@", "\t"})
    EXPECT_EQ(csv_cell(begin + "HYPERLINK"), "'" + begin + "HYPERLINK");
  EXPECT_EQ(csv_cell("=1,2"), "\"'=1,2\"");
  EXPECT_EQ(csv_cell("a-b"), "a-b");
}

TEST(Printable, TakesTheCursorFromNobody) {
  EXPECT_EQ(printable("a\x1b[2Jb\nc"), "a?[2Jb?c");
  EXPECT_EQ(printable("\xc2\x9b"
                      "2J"),
            "?2J");
  EXPECT_EQ(printable("Zoë"), "Zoë");
}

} // namespace
} // namespace lab::path
