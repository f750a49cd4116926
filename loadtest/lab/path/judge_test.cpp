// Whether a step is passed: from made-up evidence and answers.
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadtest/lab/path/judge.hpp"
#include "loadtest/lab/path/made_up.hpp"

namespace lab::path {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

using Is = Finding::Is;

// `before` must fail much, `after` little, with the size that my/settings.toml says.
const Step &before_and_after() {
  static const Step step = step_from(R"(
title = "Before and after"
now = "A small pool, then a larger one."
minutes = 1
hints = ["look", "means", "type"]

[[predict]]
id = "share"
ask = "How many fail?"
outcome = "before.failed_percent"

[[run]]
name = "before"
what = "the small pool"
commands = ["load hold"]
strategy = "fixed_tiny"
profile = "hold"
if = "params.max == 3"

[[run]]
name = "after"
what = "the larger pool"
commands = ["load hold"]
strategy = "fixed_tiny"
profile = "hold"
if = "params.max != 3"

[[expect]]
that = "before.failed_percent > 10"
value = "before.failed_percent"
pass = "before: {} % failed"
fail = "before: only {} % failed"

[[expect]]
that = "after.failed_percent < 1 && after.rate.ok > before.rate.ok"
value = "after.failed_percent"
pass = "after: {} % failed"
fail = "after: still {} % failed"

[[expect]]
that = "settings.fixed_tiny.max == after.params.max"
value = "after.params.max"
pass = "{} as the file says"
fail = "{} is not what the file says"

[[question]]
id = "held"
ask = "How long was a connection held?"
number = "before.pool.hold_ms.mean"
within = 0.1
unit = "ms"

[[question]]
id = "cause"
ask = "Why?"
right = "Too small"
wrong = [{ text = "Too large" }, { text = "Too slow" }]
)");
  return step;
}

json before(const json &patch = json::object()) {
  json run = made_up_run({{"failed_percent", 42.5}, {"rate", {{"ok", 60}}}});
  run.merge_patch(patch);
  return run;
}

json after(const json &patch = json::object()) {
  json run = made_up_run({{"params", {{"max", 8}}}, {"failed_percent", 0.25}});
  run.merge_patch(patch);
  return run;
}

const json invalid = {{"verdict", "invalid"},
                      {"why", "others took 83 % of the machine"},
                      {"guards", {{"codes", {"machine_busy"}}}}};

StepProgress answered() {
  StepProgress progress;
  progress.predicted_ms = predicted_ms;
  progress.tries = {{"held", {"50"}}, {"cause", {"Too small"}}};
  return progress;
}

Judged judged(const std::vector<json> &newest_first, const StepProgress &progress = answered(),
              int setting = 8) {
  Evidence evidence = collect(before_and_after(), progress, recorded(newest_first));
  evidence.settings = {{"fixed_tiny", {{"max", setting}}}};
  return judge(before_and_after(), progress, evidence);
}

std::vector<std::string> texts(const Judged &judged, Is is) {
  std::vector<std::string> texts;
  for (const Finding &finding : judged.findings)
    if (finding.is == is)
      texts.push_back(finding.text);
  return texts;
}

std::vector<std::string> open_ids(const Judged &judged) {
  std::vector<std::string> ids;
  for (const Question *question : judged.open)
    ids.push_back(question->id);
  return ids;
}

TEST(Judge, PassesWhenRunsShowItAndAnswersAreRight) {
  const Judged result = judged({after(), before()});
  EXPECT_EQ(result.verdict, Verdict::pass);
  EXPECT_TRUE(result.runs_hold);
  EXPECT_THAT(result.open, IsEmpty());
  EXPECT_THAT(result.to_run, IsEmpty());
  EXPECT_THAT(texts(result, Is::good),
              testing::ElementsAre("before: 42.5 % failed", "after: 0.25 % failed",
                                   "8 as the file says", "held: 50 ms", "cause: Too small"));
  EXPECT_THAT(result.findings, SizeIs(5));
}

TEST(Judge, WithoutAPredictionNothingElseIsLookedAt) {
  StepProgress progress = answered();
  progress.predicted_ms = 0;
  const Judged result = judged({after(), before()}, progress);
  EXPECT_EQ(result.verdict, Verdict::not_yet);
  EXPECT_FALSE(result.runs_hold);
  ASSERT_THAT(result.findings, SizeIs(1));
  EXPECT_EQ(result.findings[0].is, Is::missing);
  EXPECT_THAT(result.findings[0].text, HasSubstr("scripts/lab predict"));
}

TEST(Judge, IsNotYetWhileARunIsMissing) {
  const Judged result = judged({before()});
  EXPECT_EQ(result.verdict, Verdict::not_yet);
  EXPECT_FALSE(result.runs_hold);
  ASSERT_THAT(result.to_run, SizeIs(1));
  EXPECT_EQ(result.to_run[0]->name, "after");
  EXPECT_THAT(texts(result, Is::missing), Contains("no run yet of the larger pool"));
  EXPECT_THAT(texts(result, Is::good), Contains("before: 42.5 % failed"))
      << "what is there is looked at";
  EXPECT_THAT(texts(result, Is::wrong), IsEmpty()) << "what is not there is not wrong";
  EXPECT_THAT(result.open, IsEmpty()) << "no question before the runs hold";
}

TEST(Judge, NamesTheNumberThatDecided) {
  const Judged result = judged({after({{"failed_percent", 17.3}}), before()});
  EXPECT_EQ(result.verdict, Verdict::not_yet);
  EXPECT_FALSE(result.runs_hold);
  EXPECT_THAT(texts(result, Is::wrong), Contains("after: still 17.3 % failed"));
  EXPECT_THAT(result.open, IsEmpty());
  EXPECT_THAT(texts(judged({after(), before({{"failed_percent", 3}})}), Is::wrong),
              Contains("before: only 3 % failed"));
  EXPECT_THAT(texts(judged({after({{"failed_percent", nullptr}}), before()}), Is::wrong),
              Contains("after: still ? % failed"))
      << "what is unknown holds nothing";
}

TEST(Judge, LooksAtTheSettingsInForce) {
  EXPECT_THAT(texts(judged({after(), before()}, answered(), 9), Is::wrong),
              testing::ElementsAre("8 is not what the file says"));
  Evidence evidence = collect(before_and_after(), answered(), recorded({after(), before()}));
  evidence.settings_problem = "my/settings.toml line 3: max must be a number";
  const Judged result = judge(before_and_after(), answered(), evidence);
  EXPECT_EQ(result.verdict, Verdict::not_yet);
  EXPECT_THAT(texts(result, Is::wrong), Contains(evidence.settings_problem));
}

TEST(Judge, SettingsThatCantBeSeenNowAreMissingNotWrong) {
  Evidence evidence = collect(before_and_after(), answered(), recorded({after(), before()}));
  evidence.settings_known = false;
  evidence.settings_problem = "the lab is not up";
  const Judged result = judge(before_and_after(), answered(), evidence);
  EXPECT_EQ(result.verdict, Verdict::not_yet);
  EXPECT_FALSE(result.runs_hold);
  EXPECT_THAT(texts(result, Is::wrong), IsEmpty());
  EXPECT_THAT(texts(result, Is::missing), testing::ElementsAre("the lab is not up"));
}

TEST(Judge, ASettingsMistakeMattersOnlyWhereSettingsAreLookedAt) {
  const Step &step = real_step("timeouts");
  Evidence evidence;
  evidence.settings_problem = "my/settings.toml line 3: max must be a number";
  EXPECT_THAT(texts(judge(step, answered(), evidence), Is::wrong), IsEmpty());
}

TEST(Judge, IsInvalidWhenAllThatIsMissingWasInvalid) {
  const Judged result = judged({after(invalid), before()});
  EXPECT_EQ(result.verdict, Verdict::invalid);
  EXPECT_FALSE(result.runs_hold);
  EXPECT_THAT(texts(result, Is::unproven),
              testing::ElementsAre("the larger pool: others took 83 % of the machine"));
  ASSERT_THAT(result.to_run, SizeIs(1));
  EXPECT_EQ(result.to_run[0]->name, "after");
}

TEST(Judge, IsNotYetWhenMoreIsMissingThanAValidRun) {
  EXPECT_EQ(judged({after(invalid)}).verdict, Verdict::not_yet) << "no run before";
  EXPECT_EQ(judged({after(invalid), before({{"failed_percent", 1}})}).verdict, Verdict::not_yet)
      << "and the one that is there is wrong";
}

TEST(Judge, IsUnprovenAfterThreeInvalidRunsInTurn) {
  const Judged result = judged({after(invalid), after(invalid), after(invalid), before()});
  EXPECT_EQ(result.verdict, Verdict::unproven);
  EXPECT_TRUE(result.runs_hold) << "the learner goes on";
  EXPECT_THAT(result.to_run, IsEmpty());
  EXPECT_THAT(texts(result, Is::unproven),
              testing::ElementsAre("the larger pool: 3 runs in turn were invalid, so it stays "
                                   "unproven"));
}

TEST(Judge, AnInvalidRunThatStandsInCantBeWrong) {
  json slow = after(invalid);
  slow["failed_percent"] = 30;
  const Judged result = judged({slow, slow, slow, before()});
  EXPECT_EQ(result.verdict, Verdict::unproven);
  EXPECT_THAT(texts(result, Is::wrong), IsEmpty());
  EXPECT_THAT(texts(result, Is::unproven), Contains("after: still 30 % failed"));
  EXPECT_EQ(judged({slow, slow, slow, before({{"failed_percent", 1}})}).verdict, Verdict::not_yet)
      << "what was proven wrong stays wrong";
}

TEST(Judge, UnprovenTooTakesRightAnswers) {
  StepProgress progress = answered();
  progress.tries.erase("cause");
  const Judged result =
      judged({after(invalid), after(invalid), after(invalid), before()}, progress);
  EXPECT_EQ(result.verdict, Verdict::not_yet);
  EXPECT_THAT(open_ids(result), testing::ElementsAre("cause"));
}

TEST(Judge, QuestionsAreOpenUntilTheirLastAnswerIsRight) {
  StepProgress progress = answered();
  progress.tries = {{"cause", {"Too small", "Too large"}}};
  const Judged result = judged({after(), before()}, progress);
  EXPECT_EQ(result.verdict, Verdict::not_yet);
  EXPECT_TRUE(result.runs_hold);
  EXPECT_THAT(open_ids(result), testing::ElementsAre("held", "cause"));

  progress.tries = {{"held", {}}, {"cause", {"Too large", "Too small"}}};
  EXPECT_THAT(open_ids(judged({after(), before()}, progress)), testing::ElementsAre("held"));
}

TEST(Judge, AGuessedAnswerPassesAndIsSaidToBeOne) {
  StepProgress progress = answered();
  progress.tries["cause"] = {"Too large", "Too slow", "Too small"};
  progress.tries["held"] = {"1", "2", "3", "4", "50"};
  const Judged result = judged({after(), before()}, progress);
  EXPECT_EQ(result.verdict, Verdict::pass);
  EXPECT_THAT(texts(result, Is::good), Contains("cause: Too small (guessed)"));
  EXPECT_THAT(texts(result, Is::good), Contains("held: 50 ms (guessed)"));
}

TEST(Judge, ItsVerdictsHaveNames) {
  EXPECT_STREQ(verdict_name(Verdict::pass), "pass");
  EXPECT_STREQ(verdict_name(Verdict::unproven), "unproven");
  EXPECT_STREQ(verdict_name(Verdict::not_yet), "not yet");
  EXPECT_STREQ(verdict_name(Verdict::invalid), "invalid");
}

// ---- answers -------------------------------------------------------------------

Question number(double within) {
  Question question;
  question.id = "turn";
  question.number = "before.pool.hold_ms.mean * 15.66";
  question.within = within;
  question.unit = "ms";
  return question;
}

Facts facts() {
  Facts facts;
  facts.add("before", before()); // 783
  return facts;
}

TEST(Right, ANumberMayBeOffByAShareOfIt) {
  for (const char *good : {"783", "783.0", "705", "861", "7.83e2", " 783"})
    EXPECT_TRUE(right(number(0.1), good, facts())) << good;
  for (const char *wrong : {"704", "862", "0", "-783", "", "ms", "nan", "inf", "1e999"})
    EXPECT_FALSE(right(number(0.1), wrong, facts())) << wrong;
}

TEST(Right, AUnitMayBeTypedAlong) {
  for (const char *good : {"783 ms", "783ms", "~783 ms", "~ 783"}) {
    EXPECT_EQ(number_in(good, "ms"), 783) << good;
    EXPECT_TRUE(right(number(0.01), good, facts())) << good;
  }
  for (const char *wrong : {"about 783", "783 ms 3"}) {
    EXPECT_EQ(number_in(wrong, "ms"), std::nullopt) << wrong;
    EXPECT_FALSE(right(number(0.01), wrong, facts())) << wrong;
  }
}

// It passed by the rule of its day. Nobody can give such an answer now.
TEST(Right, AKeptNumberMayHaveAnyWordBehindIt) {
  for (const char *kept : {"783 milliseconds", "783/s", "783 s", "783 MB", "783 ms or so"}) {
    EXPECT_TRUE(right(number(0.01), kept, facts())) << kept;
    EXPECT_EQ(number_in(kept, "ms"), std::nullopt) << kept;
  }
}

TEST(Right, AnExactOneIsExact) {
  Question question = number(0);
  question.number = "97";
  EXPECT_TRUE(right(question, "97", facts()));
  EXPECT_TRUE(right(question, "97.0", facts()));
  for (const char *wrong : {"96", "98", "97.1", "96.999"})
    EXPECT_FALSE(right(question, wrong, facts())) << wrong;
  question.number = "0";
  EXPECT_TRUE(right(question, "0", facts()));
  EXPECT_FALSE(right(question, "0.001", facts()));
}

TEST(Right, NothingIsRightBeforeTheRunIsThere) {
  EXPECT_FALSE(right(number(0.1), "783", Facts()));
  EXPECT_FALSE(right(number(0.1), "0", Facts()));
  EXPECT_EQ(right_answer(number(0.1), Facts()), "?");
}

TEST(Right, AChoiceIsRightByItsText) {
  const Question &cause = before_and_after().questions[1];
  EXPECT_TRUE(right(cause, "Too small", Facts()));
  EXPECT_FALSE(right(cause, "Too large", Facts()));
  EXPECT_FALSE(right(cause, "a", Facts()));
  EXPECT_FALSE(right(cause, "", Facts()));
  EXPECT_EQ(right_answer(cause, Facts()), "Too small");
  EXPECT_EQ(right_answer(number(0.1), facts()), "783");
}

TEST(Guessed, AllOptionsInTurnAreGuessing) {
  const Question &cause = before_and_after().questions[1];
  EXPECT_TRUE(guessed(cause, {"Too large", "Too slow", "Too small"}, Facts()));
  EXPECT_FALSE(guessed(cause, {"Too small"}, Facts()));
  EXPECT_FALSE(guessed(cause, {"Too large", "Too small"}, Facts()));
  EXPECT_FALSE(guessed(cause, {"Too large", "Too large", "Too large", "Too small"}, Facts()))
      << "stubborn, but one option was never tried";
  EXPECT_FALSE(guessed(cause, {"Too small", "Too slow", "Too large"}, Facts())) << "not right";
  EXPECT_FALSE(guessed(cause, std::vector<std::string>(), Facts()));
}

TEST(Guessed, WhatWasGuessedBeforeAgainStaysGuessed) {
  const Question &cause = before_and_after().questions[1];
  StepProgress done;
  done.tries["cause"] = {"Too small"};
  EXPECT_FALSE(guessed(cause, done, Facts()));
  for (const json &harmless :
       {json(), json("no object"), json{{"tries", 3}}, json{{"tries", {{"cause", "Too small"}}}},
        json{{"tries", {{"cause", {"Too large", 3, "Too small"}}}}},
        json{{"tries", {{"held", {"Too large", "Too slow", "Too small"}}}}}})
    done.earlier.push_back(harmless);
  EXPECT_FALSE(guessed(cause, done, Facts()));
  done.earlier.push_back({{"tries", {{"cause", {"Too large", "Too slow", "Too small"}}}}});
  EXPECT_TRUE(guessed(cause, done, Facts()));
  done.tries["cause"] = {"Too slow"};
  EXPECT_FALSE(guessed(cause, done, Facts())) << "not right";
  done.tries.clear();
  EXPECT_FALSE(guessed(cause, done, Facts()));
}

TEST(Guessed, FromTheFifthNumberOnItIsGuessing) {
  EXPECT_FALSE(guessed(number(0.1), {"783"}, facts()));
  EXPECT_FALSE(guessed(number(0.1), {"1", "2", "3", "783"}, facts()));
  EXPECT_TRUE(guessed(number(0.1), {"1", "2", "3", "4", "783"}, facts()));
  EXPECT_FALSE(guessed(number(0.1), {"1", "2", "3", "4", "5"}, facts()));
}

} // namespace
} // namespace lab::path
