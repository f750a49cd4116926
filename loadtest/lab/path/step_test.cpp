// Steps as files: the lab's own can be read, and a teacher's mistake is one line
// that says where.
#include <fstream>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadtest/lab/path/made_up.hpp"
#include "loadtest/lab/path/told.hpp"

namespace lab::path {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

// Each table begins on a known line: 5, 9, 15, 20.
const std::string head = "title = \"A step\"\n"
                         "now = \"It is about this.\"\n"
                         "minutes = 5\n"
                         "hints = [\"look\", \"means\", \"type\"]\n";
const std::string predict = "[[predict]]\n"
                            "id = \"guess\"\n"
                            "ask = \"How many?\"\n"
                            "outcome = \"small.pool.limit\"\n";
const std::string run = "[[run]]\n"
                        "name = \"small\"\n"
                        "what = \"a small pool\"\n"
                        "commands = [\"load hold\"]\n"
                        "strategy = \"fixed_tiny\"\n"
                        "profile = \"hold\"\n";
const std::string expect = "[[expect]]\n"
                           "that = \"small.failed_percent < 5\"\n"
                           "value = \"small.failed_percent\"\n"
                           "pass = \"{} %\"\n"
                           "fail = \"{} %, too many\"\n";
const std::string question = "[[question]]\n"
                             "id = \"why\"\n"
                             "ask = \"Why {small.pool.limit}?\"\n"
                             "right = \"So\"\n"
                             "wrong = [{ text = \"Else\", because = \"no\" }]\n";

std::string whole() {
  return head + predict + run + expect + question;
}

// The whole step with one piece of it replaced.
std::string with(const std::string &old, const std::string &changed) {
  std::string text = whole();
  const auto place = text.find(old);
  if (place == std::string::npos)
    throw std::logic_error("the step has no " + old);
  return text.replace(place, old.size(), changed);
}

std::string mistake_in(const std::string &toml, const std::string &name = "1-step.toml") {
  const MadeUpFolder folder;
  const auto file = folder.write(name, toml);
  std::string said = failure_of([&] { (void)read_steps(folder.path()); });
  EXPECT_THAT(said, StartsWith(file.string())) << "the file is named";
  EXPECT_THAT(said, Not(HasSubstr("\n"))) << "one line";
  return said.substr(std::min(said.size(), file.string().size()));
}

TEST(Steps, AllOfTheLabsOwnAreRead) {
  std::size_t files = 0;
  for (const auto &file : std::filesystem::directory_iterator(real_steps()))
    files += file.path().extension() == ".toml" ? 1 : 0;
  const std::vector<Step> steps = read_steps(real_steps());
  ASSERT_THAT(steps, SizeIs(files));
  std::vector<std::string> stems;
  for (const Step &step : steps) {
    stems.push_back(step.stem());
    EXPECT_FALSE(step.predictions.empty()) << step.stem();
    EXPECT_FALSE(step.expectations.empty()) << step.stem();
    EXPECT_FALSE(step.questions.empty()) << step.stem();
    for (const Question &question : step.questions)
      for (const Option &option : question.options)
        EXPECT_FALSE(option.because.empty()) << step.stem() << ": " << option.text;
  }
  EXPECT_THAT(stems,
              ElementsAre("1-gauges", "2-break-small", "3-two-causes", "4-break-big",
                          "5-more-is-slower", "6-size-it", "7-timeouts", "8-budget", "9-adaptive"));
}

// Whoever picks the longest line each time, or the shortest, has understood nothing.
TEST(Steps, TheLengthOfAnOptionDoesNotTellTheRightOne) {
  std::vector<std::string> longest, shortest;
  std::size_t choices = 0;
  for (const Step &written : read_steps(real_steps())) {
    const Step step = told(written, Progress(), Evidence());
    for (const auto *questions : {&step.predictions, &step.questions})
      for (const Question &question : *questions) {
        if (!question.is_choice())
          continue;
        ++choices;
        const std::size_t right = question.right_option().text.size();
        bool is_longest = true, is_shortest = true;
        for (const Option &option : question.options)
          if (!option.right) {
            is_longest = is_longest && option.text.size() < right;
            is_shortest = is_shortest && option.text.size() > right;
          }
        const auto name = fmt::format("{}: {}", step.name, question.id);
        if (is_longest)
          longest.push_back(name);
        if (is_shortest)
          shortest.push_back(name);
      }
  }
  EXPECT_GT(choices, 10U);
  EXPECT_LE(longest.size(), choices * 2 / 5) << testing::PrintToString(longest);
  EXPECT_LE(shortest.size(), choices * 2 / 5) << testing::PrintToString(shortest);
}

// What progress files keep: an id that is changed takes answers from those who gave them.
TEST(Steps, TheIdsOfTheirOptionsStay) {
  std::vector<std::string> ids;
  for (const Step &step : read_steps(real_steps()))
    for (const auto *questions : {&step.predictions, &step.questions})
      for (const Question &question : *questions) {
        std::string all;
        for (const Option &option : question.options)
          all += " " + option.id;
        if (question.is_choice())
          ids.push_back(fmt::format("{}, {}:{}", step.name, question.id, all));
      }
  EXPECT_THAT(
      ids,
      ElementsAre(
          "gauges, max: connections users requests postgres",
          "gauges, wait: gives-up statement idle every", "gauges, idle: closed user answer",
          "gauges, code: pool strategy postgres",
          "break-small, others: in-line own-connections postgres refused",
          "break-small, in-time: too-late moves idle", "two-causes, moves: hold wait error open",
          "two-causes, cause: gave-up slow damaged refused",
          "two-causes, tell: database size limit",
          "break-big, who: neighbour-too nobody own-users crash",
          "break-big, several: refused even grows as-needed",
          "more-is-slower, wait-for: locks in-line opening disk",
          "size-it, option: resize rate-limit servers", "timeouts, served: same more fewer",
          "timeouts, protects: endless-line connections statements losing",
          "timeouts, patience: less equal long", "budget, eighty: too-many each-fits one-pool",
          "budget, conservative: if-waiting use-all fewer-better",
          "adaptive, price: late nothing opens-all slower"));
}

TEST(Steps, AnOptionIsFoundByItsIdAndByItsText) {
  const Question named =
      step_from(with("right = \"So\"\nwrong = [{ text",
                     "right = { id = \"so-it-is\", text = \"So\" }\nwrong = [{ text"))
          .questions[0];
  EXPECT_EQ(named.right_option().kept(), "so-it-is");
  EXPECT_EQ(named.option("so-it-is"), &named.right_option());
  EXPECT_EQ(named.option("So"), &named.right_option()) << "as older files keep it";
  EXPECT_EQ(named.option("Else"), &named.options[1]) << "without an id its text stands for it";
  EXPECT_EQ(named.option("Sew"), nullptr);
  EXPECT_EQ(named.said("so-it-is"), "So");
  EXPECT_EQ(named.said("12"), "12");
}

TEST(Steps, AnIdIsAWordOfItsOwn) {
  const auto right_is = [](const std::string &right) {
    return mistake_in(with("right = \"So\"", "right = " + right));
  };
  EXPECT_THAT(right_is(R"({ id = "a", text = "So" })"),
              StartsWith(" line 23: a can't be an id: write two small letters or more"));
  EXPECT_THAT(right_is(R"({ id = "So it is", text = "So" })"), HasSubstr("can't be an id"));
  EXPECT_THAT(right_is(R"({ id = "so", txt = "So" })"), HasSubstr("there is no txt here"));
  EXPECT_THAT(right_is(R"({ id = "so" })"), HasSubstr("text must be a text"));
  const auto options = [](const std::string &right, const std::string &wrong) {
    return mistake_in(with("right = \"So\"\nwrong = [{ text = \"Else\", because = \"no\" }]",
                           fmt::format("right = {}\nwrong = [{}]", right, wrong)));
  };
  EXPECT_THAT(options(R"({ id = "so", text = "So" })", R"({ id = "so", text = "Else" })"),
              AllOf(StartsWith(" line 24: "), HasSubstr("two options are called so")));
  EXPECT_THAT(options(R"({ id = "so", text = "So" })", R"({ text = "so" })"),
              HasSubstr("two options are called so"));
  EXPECT_THAT(options(R"("so")", R"({ id = "so", text = "Else" })"),
              HasSubstr("two options are called so"));
}

TEST(Steps, SayWhatTheirFileSays) {
  const Step step = step_from(whole());
  EXPECT_EQ(step.stem(), "1-step");
  EXPECT_EQ(step.title, "A step");
  EXPECT_EQ(step.minutes, 5);
  EXPECT_FALSE(step.in_short_route);
  EXPECT_FALSE(step.own_database);
  EXPECT_THAT(step.hints, ElementsAre("look", "means", "type"));
  ASSERT_THAT(step.predictions, SizeIs(1));
  EXPECT_FALSE(step.predictions[0].is_choice());
  EXPECT_EQ(step.predictions[0].number, "small.pool.limit");
  ASSERT_THAT(step.runs, SizeIs(1));
  EXPECT_THAT(step.runs[0].commands, ElementsAre("load hold"));
  EXPECT_EQ(step.runs[0].rate, 0);
  EXPECT_FALSE(step.runs[0].company);
  ASSERT_THAT(step.questions, SizeIs(1));
  EXPECT_EQ(step.questions[0].right_option().text, "So");
  EXPECT_EQ(step.questions[0].options[1].because, "no");

  const Step other = step_from(with("minutes = 5\n", "minutes = 7\nshort = true\n"
                                                     "own_database = true\n"));
  EXPECT_TRUE(other.in_short_route);
  EXPECT_TRUE(other.own_database);
  EXPECT_EQ(other.minutes, 7);
}

TEST(Steps, ComeInTheOrderOfTheirNumbers) {
  const MadeUpFolder folder;
  for (const char *name : {"10-last", "2-second", "1-first"})
    folder.write(fmt::format("{}.toml", name), whole());
  folder.write("README.md", "no step");
  const auto steps = read_steps(folder.path());
  ASSERT_THAT(steps, SizeIs(3));
  EXPECT_EQ(steps[0].name, "first");
  EXPECT_EQ(steps[1].name, "second");
  EXPECT_EQ(steps[2].number, 10);
}

TEST(Steps, AKeyThatIsUnknownIsAMistakeWithItsLine) {
  EXPECT_THAT(mistake_in(with("minutes = 5", "minutes = 5\nminuets = 6")),
              AllOf(StartsWith(" line 4: there is no minuets here"), HasSubstr("title, now")));
  EXPECT_THAT(mistake_in(with("outcome =", "outcom = \"1\"\noutcome =")),
              StartsWith(" line 8: there is no outcom here"));
  EXPECT_THAT(mistake_in(with("commands =", "command = 1\ncommands =")),
              StartsWith(" line 12: there is no command here"));
  EXPECT_THAT(mistake_in(with("pass =", "passed = 1\npass =")),
              StartsWith(" line 18: there is no passed here"));
  EXPECT_THAT(mistake_in(with("because = \"no\"", "becuase = \"no\"")),
              StartsWith(" line 24: there is no becuase here"));
}

TEST(Steps, AFormulaThatCantBeReadIsAMistakeWithItsLine) {
  EXPECT_THAT(mistake_in(with("\"small.failed_percent < 5\"", "\"small.failed_percent <\"")),
              StartsWith(" line 16: \"small.failed_percent <\": "));
  EXPECT_THAT(mistake_in(with("value = \"small.failed_percent\"", "value = \"(small.ok\"")),
              StartsWith(" line 17: \"(small.ok\": "));
  EXPECT_THAT(mistake_in(with("outcome = \"small.pool.limit\"", "outcome = \"1 +\"")),
              StartsWith(" line 8: \"1 +\": "));
  EXPECT_THAT(mistake_in(with("Why {small.pool.limit}?", "Why {2 *}?")),
              StartsWith(" line 22: \"2 *\": "));
  EXPECT_THAT(mistake_in(with("It is about this.", "It is about {2 *}.")),
              StartsWith(" line 2: \"2 *\": "));
  EXPECT_THAT(mistake_in(with("\"means\"", "\"{2 *}\"")), StartsWith(" line 4: \"2 *\": "));
  EXPECT_THAT(mistake_in(with("a small pool", "{2 *}")), StartsWith(" line 11: \"2 *\": "));
  EXPECT_THAT(mistake_in(with("{} %, too many", "{2 *} {}")), StartsWith(" line 19: \"2 *\": "));
  EXPECT_THAT(mistake_in(with("\"So\"", "\"{2 *}\"")), StartsWith(" line 23: \"2 *\": "));
  EXPECT_THAT(mistake_in(with("\"no\"", "\"{2 *}\"")), StartsWith(" line 24: \"2 *\": "));
  EXPECT_THAT(
      mistake_in(with("profile = \"hold\"\n", "profile = \"hold\"\nif = \"params.max ==\"\n")),
      StartsWith(" line 15: \"params.max ==\": "));
  EXPECT_THAT(mistake_in(with("small.failed_percent < 5", "small.failed_percent = 5")),
              StartsWith(" line 16: "));
}

TEST(Steps, AFormulaNamesOnlyRunsOfItsStep) {
  EXPECT_THAT(
      mistake_in(with("small.failed_percent < 5", "smal.failed_percent < 5")),
      AllOf(StartsWith(" line 16: "), HasSubstr("smal.failed_percent is no run of this step")));
  EXPECT_THAT(mistake_in(with("Why {small.pool.limit}?", "Why {other.pool.limit}?")),
              AllOf(StartsWith(" line 22: "), HasSubstr("other.pool.limit is no run")));
  EXPECT_THAT(mistake_in(with("outcome = \"small.pool.limit\"", "outcome = \"pool.limit\"")),
              AllOf(StartsWith(" line 8: "), HasSubstr("pool.limit is no run")));
  (void)step_from(with("small.failed_percent < 5", "settings.fixed_tiny.max == small.params.max"));
}

TEST(Steps, WhatIsSaidBeforeARunNamesOnlyWhatItAsksFor) {
  const auto unknown = [](const std::string &name) {
    return HasSubstr(fmt::format("{} is not known before the runs", name));
  };
  for (const auto &[old, line] :
       {std::pair("It is about this.", 2), {"means", 4}, {"How many?", 7}, {"a small pool", 11}})
    EXPECT_THAT(mistake_in(with(old, "{small.pool.limit / 2}")),
                AllOf(StartsWith(fmt::format(" line {}: ", line)), unknown("small.pool.limit")));
  EXPECT_THAT(mistake_in(with("\"means\"", "\"{small.rate_asked}\"")), unknown("small.rate_asked"));
  EXPECT_THAT(mistake_in(with("\"means\"", "\"{settings.fixed_tiny.max}\"")),
              unknown("settings.fixed_tiny.max"));
  EXPECT_THAT(mistake_in(with("commands =", "edit = \"{small.ok}\"\ncommands =")),
              AllOf(StartsWith(" line 12: "), unknown("small.ok")));
  const auto predicted = [](const std::string &right, const std::string &wrong) {
    return mistake_in(
        with("outcome = \"small.pool.limit\"\n",
             fmt::format("right = {}\nwrong = [{{ text = \"{}\" }}]\n", right, wrong)));
  };
  EXPECT_THAT(predicted("\"{small.ok}\"", "no"),
              AllOf(StartsWith(" line 8: "), unknown("small.ok")));
  EXPECT_THAT(predicted("{ id = \"so\", text = \"{small.ok}\" }", "no"), unknown("small.ok"));
  EXPECT_THAT(predicted("\"yes\"", "{small.ok}"),
              AllOf(StartsWith(" line 9: "), unknown("small.ok")));
  (void)step_from(with("commands = [\"load hold\"]",
                       "commands = [\"load hold\"]\nrate = 120\nhold_ms = 50\n"
                       "edit = \"{small.rate_asked * small.hold_ms}, {small.commands}\""));
}

TEST(Steps, HaveThreeHintsEachALevel) {
  const std::string hints = "hints = [\"look\", \"means\", \"type\"]\n";
  EXPECT_THAT(mistake_in(with(hints, "")), HasSubstr(" line 1: there must be 3 hints"));
  EXPECT_THAT(mistake_in(with(hints, "hints = []\n")), HasSubstr("there must be 3 hints"));
  EXPECT_THAT(mistake_in(with(hints, "hints = [\"a\", \"b\"]\n")), HasSubstr("3 hints"));
  EXPECT_THAT(mistake_in(with(hints, "hints = [\"a\", \"b\", \"c\", \"d\"]\n")),
              HasSubstr("3 hints"));
}

TEST(Steps, AQuestionIsEitherAChoiceOrANumber) {
  EXPECT_THAT(mistake_in(with("right = \"So\"\n", "right = \"So\"\nnumber = \"3\"\n")),
              AllOf(StartsWith(" line 20: "), HasSubstr("either right and wrong, or number")));
  EXPECT_THAT(
      mistake_in(with("right = \"So\"\nwrong = [{ text = \"Else\", because = \"no\" }]\n", "")),
      AllOf(StartsWith(" line 20: "), HasSubstr("either right and wrong, or number")));
  EXPECT_THAT(mistake_in(with("right = \"So\"\n", "number = \"3\"\n")),
              AllOf(StartsWith(" line 20: "), HasSubstr("either right and wrong, or number")));
  EXPECT_THAT(mistake_in(with("outcome =", "right = \"3\"\noutcome =")),
              AllOf(StartsWith(" line 5: "), HasSubstr("either right and wrong, or outcome")));
  EXPECT_THAT(mistake_in(with("outcome =", "number =")), StartsWith(" line 8: there is no number"));
}

TEST(Steps, AChoiceHasAWrongOptionAndNoTwoAlike) {
  const std::string wrong = "wrong = [{ text = \"Else\", because = \"no\" }]\n";
  EXPECT_THAT(mistake_in(with(wrong, "")),
              AllOf(StartsWith(" line 20: "), HasSubstr("at least one wrong option")));
  EXPECT_THAT(mistake_in(with(wrong, "wrong = []\n")), HasSubstr("at least one wrong option"));
  EXPECT_THAT(mistake_in(with("text = \"Else\"", "text = \"So\"")),
              AllOf(StartsWith(" line 24: "), HasSubstr("two options")));
}

TEST(Steps, AFilesNameIsItsNumberAndName) {
  for (const char *name : {"step.toml", "1.toml", "1-.toml", "1-Step.toml", "one-step.toml",
                           "1-two words.toml", "99999999999-step.toml"})
    EXPECT_THAT(mistake_in(whole(), name), HasSubstr("must be NUMBER-NAME.toml")) << name;
}

TEST(Steps, NoTwoHaveOneNumberOrName) {
  const auto with_files = [](const std::vector<std::string> &stems) {
    const MadeUpFolder folder;
    for (const std::string &stem : stems)
      folder.write(stem + ".toml", whole());
    return failure_of([&] { (void)read_steps(folder.path()); });
  };
  EXPECT_THAT(with_files({"1-one", "1-two"}), AllOf(HasSubstr("two steps have one number or name"),
                                                    HasSubstr("1-one"), HasSubstr("1-two")));
  EXPECT_THAT(with_files({"1-one", "2-one"}), EndsWith("1-one and 2-one"));
  EXPECT_THAT(with_files({"1-one", "2-two", "3-one"}), EndsWith("1-one and 3-one"));
  EXPECT_EQ(with_files({"1-one", "2-two", "3-three"}), "");
}

TEST(Steps, NoTwoQuestionsOrRunsHaveOneName) {
  EXPECT_THAT(mistake_in(whole() + question),
              AllOf(StartsWith(" line 25: "), HasSubstr("two questions are called why")));
  EXPECT_THAT(mistake_in(whole() + predict),
              AllOf(StartsWith(" line 25: "), HasSubstr("two questions are called guess")));
  EXPECT_THAT(mistake_in(whole() + run),
              AllOf(StartsWith(" line 25: "), HasSubstr("two runs are called small")));
  EXPECT_THAT(mistake_in(with("name = \"small\"", "name = \"settings\"")),
              AllOf(StartsWith(" line 10: "), HasSubstr("settings")));
}

TEST(Steps, AValueOfAnotherTypeIsAMistakeWithItsLine) {
  EXPECT_THAT(mistake_in(with("title = \"A step\"", "title = 3")),
              StartsWith(" line 1: title must be a text"));
  EXPECT_THAT(mistake_in(with("now = \"It is about this.\"", "now = \"\"")),
              StartsWith(" line 2: now must be a text"));
  EXPECT_THAT(mistake_in(with("minutes = 5", "minutes = \"5\"")),
              StartsWith(" line 3: minutes must be"));
  EXPECT_THAT(mistake_in(with("minutes = 5", "minutes = -5")),
              StartsWith(" line 3: minutes must be"));
  EXPECT_THAT(mistake_in(with("minutes = 5", "minutes = true")),
              StartsWith(" line 3: minutes must be"));
  EXPECT_THAT(mistake_in(with("minutes = 5", "minutes = 5.5")),
              StartsWith(" line 3: minutes must be"));
  EXPECT_THAT(mistake_in(with("minutes = 5\n", "")),
              HasSubstr(" line 1: minutes must be at least 1"));
  EXPECT_THAT(mistake_in(with("minutes = 5", "minutes = 5\nshort = 1")),
              StartsWith(" line 4: short must be true or false"));
  EXPECT_THAT(mistake_in(with("\"means\"", "2")),
              StartsWith(" line 4: hints must be a list of texts"));
  EXPECT_THAT(mistake_in(with("[\"load hold\"]", "\"load hold\"")),
              StartsWith(" line 12: commands must be a list"));
  EXPECT_THAT(mistake_in(with("strategy = \"fixed_tiny\"\n", "")),
              StartsWith(" line 9: strategy must be a text"));
  EXPECT_THAT(mistake_in(with("profile =", "rate = \"many\"\nprofile =")),
              StartsWith(" line 14: rate must be a whole number"));
  EXPECT_THAT(mistake_in(with("right = \"So\"", "within = nan\nright = \"So\"")),
              StartsWith(" line 23: within must be a number"));
  EXPECT_THAT(
      mistake_in(with("wrong = [{ text = \"Else\", because = \"no\" }]", "wrong = [\"Else\"]")),
      StartsWith(" line 24: wrong must be a list of tables"));
  EXPECT_THAT(mistake_in(with("[[run]]", "[run]")), HasSubstr("run must be a list of tables"));
  EXPECT_THAT(mistake_in(head), HasSubstr(" line 1: a step needs at least one [[run]]"));
}

// `next` could not say what to type, or no run would ever fit.
TEST(Steps, ARunIsOfAProfileAndModelThatAreThere) {
  EXPECT_THAT(mistake_in(with("profile = \"hold\"", "profile = \"hodl\"")),
              AllOf(StartsWith(" line 14: "), HasSubstr("hodl"), HasSubstr("contended")));
  EXPECT_THAT(mistake_in(with("profile = \"hold\"\n", "profile = \"hold\"\nmodel = \"opne\"\n")),
              AllOf(StartsWith(" line 15: "), HasSubstr("open or closed")));
}

TEST(Steps, WhatIsNoTomlIsAMistakeWithItsLine) {
  EXPECT_THAT(mistake_in(with("now = \"It", "now = It")), StartsWith(" line 2: "));
  EXPECT_THAT(mistake_in(with("[[expect]]", "[[expect]")), StartsWith(" line 15: "));
}

TEST(Steps, AFolderWithoutStepsSaysWhatToDo) {
  const MadeUpFolder folder;
  EXPECT_THAT(failure_of([&] { (void)read_steps(folder.path()); }), HasSubstr("scripts/lab up"));
  EXPECT_THAT(failure_of([&] { (void)read_steps(folder.path() / "gone"); }),
              HasSubstr("there are no steps in"));
}

} // namespace
} // namespace lab::path
