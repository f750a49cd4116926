// The numbers in what a step says: of the learner's own run, or of the load that is asked for at
// the pace in force.
#include <regex>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadtest/lab/path/course.hpp"
#include "loadtest/lab/path/made_up.hpp"
#include "loadtest/lab/path/pace.hpp"
#include "loadtest/lab/path/told.hpp"

namespace lab::path {
namespace {

using testing::HasSubstr;

Progress at_pace(double pace) {
  Progress progress;
  progress.pace = pace;
  return progress;
}

Step told_at(const std::string &name, double pace) {
  return told(real_step(name), at_pace(pace), Evidence());
}

std::vector<std::string> texts_of(const Step &step) {
  std::vector<std::string> texts = {step.now};
  texts.insert(texts.end(), step.hints.begin(), step.hints.end());
  for (const auto *questions : {&step.predictions, &step.questions})
    for (const Question &question : *questions) {
      texts.insert(texts.end(), {question.ask, question.because});
      for (const Option &option : question.options)
        texts.insert(texts.end(), {option.text, option.because});
    }
  for (const PlannedRun &run : step.runs)
    texts.insert(texts.end(), {run.what, run.edit});
  for (const Expectation &expectation : step.expectations)
    texts.insert(texts.end(), {expectation.pass, expectation.fail});
  return texts;
}

// 20, 120 and 400 a second, a hold of 50 ms, and what follows from them.
const std::regex full_load(R"(\b(20|120|400) (requests|that|x)|\b50 ms|0\.05\b|\b60 |first 12\b)"
                           R"(|--rate (20|400)\b)");

TEST(Told, NoStepSaysTheNumbersOfTheFullLoadWhereLessIsAskedFor) {
  int at_full_pace = 0;
  for (const Step &step : read_steps(real_steps()))
    for (const double pace : {1.0, 0.45, 0.4, least_pace})
      for (const std::string &text : texts_of(told(step, at_pace(pace), Evidence()))) {
        const bool full = std::regex_search(text, full_load);
        at_full_pace += pace == 1 && full ? 1 : 0;
        EXPECT_FALSE(pace < 1 && full) << step.name << " at " << pace << ": " << text;
      }
  EXPECT_GT(at_full_pace, 15) << "the words are those that are looked for";
}

TEST(Told, WhatIsSaidBeforeTheRunsNeedsNoRun) {
  const std::regex unknown(R"((^| )\?)");
  for (const Step &written : read_steps(real_steps())) {
    const Step step = told(written, Progress(), Evidence());
    std::vector<std::string> texts = {step.now};
    texts.insert(texts.end(), step.hints.begin(), step.hints.end());
    for (const Question &question : step.predictions)
      texts.push_back(question.ask);
    for (const PlannedRun &run : step.runs)
      texts.insert(texts.end(), {run.what, run.edit});
    for (const std::string &text : texts)
      EXPECT_FALSE(std::regex_search(text, unknown)) << step.name << ": " << text;
  }
}

TEST(Told, AtTheFullPaceItIsTheNumbersOfThePages) {
  const Step small = told_at("break-small", 1);
  EXPECT_THAT(small.predictions[0].ask, HasSubstr("holds a connection for 50 ms"));
  EXPECT_EQ(small.questions[2].right_option().text, "No: only about the first 12 of the line are");
  EXPECT_THAT(small.hints[1], HasSubstr("they serve about 60 requests a second"));
  EXPECT_THAT(told_at("two-causes", 1).predictions[0].ask, HasSubstr("under 120 requests"));
  EXPECT_THAT(told_at("size-it", 1).hints[2],
              HasSubstr("120 x 0.05 = 6, and a third more is 8. In my/settings.toml"));
}

TEST(Told, AtASlowedPaceItIsThatLoadsNumbers) {
  const Step small = told_at("break-small", least_pace);
  EXPECT_THAT(small.predictions[0].ask, HasSubstr("holds a connection for 200 ms"));
  EXPECT_EQ(small.questions[2].right_option().text, "No: only about the first 3 of the line are");
  EXPECT_THAT(small.questions[2].because,
              HasSubstr("Holds of 200 ms that fit into 200 ms, one after the other: 1."));
  EXPECT_THAT(small.hints[1], HasSubstr("held 200 ms each, so they serve about 15 requests"));
  EXPECT_THAT(told_at("two-causes", least_pace).predictions[0].ask, HasSubstr("under 30 requests"));
  const Step size = told_at("size-it", least_pace);
  EXPECT_THAT(size.predictions[0].ask,
              HasSubstr("30 requests a second, each holds a connection for 200 ms"));
  EXPECT_THAT(size.hints[2], HasSubstr("30 x 0.2 = 6, and a third more is 8."));
}

TEST(Told, AfterTheRunItIsTheLearnersOwn) {
  Evidence evidence;
  evidence.runs["small"].summary =
      made_up_run({{"model", "closed"}, {"rate_asked", nullptr}, {"hold_ms", 100}});
  const Step small = told(real_step("break-small"), at_pace(least_pace), evidence);
  EXPECT_THAT(small.predictions[0].ask, HasSubstr("holds a connection for 100 ms"))
      << "whatever the pace is by now";
  EXPECT_EQ(small.questions[2].right_option().text, "No: only about the first 6 of the line are");
}

TEST(Told, TheLastHintIsWhatNextSays) {
  for (const double pace : {1.0, least_pace})
    for (const char *name : {"gauges", "break-small", "two-causes", "timeouts", "adaptive"})
      for (const PlannedRun &run : real_step(name).runs)
        for (const std::string &command : commands_for(run, at_pace(pace)))
          EXPECT_THAT(told_at(name, pace).hints[2], HasSubstr(command)) << name;
}

TEST(PaceNote, SaysWhichNumbersOfThePageAreOthers) {
  EXPECT_EQ(pace_note(real_step("gauges"), 1), "");
  EXPECT_THAT(pace_note(real_step("gauges"), 0.5),
              HasSubstr("the page says 20 requests a second and 50 ms, yours are 10 and 100 ms"));
  EXPECT_THAT(pace_note(real_step("break-small"), least_pace),
              HasSubstr("the page says 50 ms, yours are 200 ms"));
  EXPECT_EQ(pace_note(real_step("break-big"), least_pace), "") << "it states no load";
}

} // namespace
} // namespace lab::path
