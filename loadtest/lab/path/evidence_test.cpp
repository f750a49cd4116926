// Which of the recorded runs count for a step.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadtest/lab/path/evidence.hpp"
#include "loadtest/lab/path/made_up.hpp"

namespace lab::path {
namespace {

using nlohmann::json;
using testing::IsEmpty;

Step two_runs() {
  return step_from(R"(
title = "Two runs"
now = "One alone on the machine, one in company."
minutes = 1
hints = ["look", "means", "type"]

[[predict]]
id = "share"
ask = "How many fail?"
outcome = "alone.failed_percent"

[[run]]
name = "alone"
what = "three connections"
commands = ["load hold"]
strategy = "fixed_tiny"
profile = "hold"
model = "open"
if = "params.max == 3"

[[run]]
name = "crowd"
what = "many at once"
commands = ["load contended"]
strategy = "fixed_huge"
profile = "contended"
company = true
)");
}

StepProgress predicted() {
  StepProgress progress;
  progress.predicted_ms = predicted_ms;
  return progress;
}

// A run that is known by how much failed.
json run(int mark, const json &patch = json::object()) {
  json made = made_up_run(patch);
  made["failed_percent"] = mark;
  return made;
}

json invalid_run(int mark, const json &codes = {"lag"}) {
  return run(mark,
             {{"verdict", "invalid"}, {"why", "it was late"}, {"guards", {{"codes", codes}}}});
}

json crowd(int mark, const json &codes) {
  json made = codes.empty() ? run(mark) : invalid_run(mark, codes);
  made.merge_patch({{"strategy", "fixed_huge"}, {"profile", "contended"}, {"model", "closed"}});
  return made;
}

Evidence evidence_of(const std::vector<json> &newest_first,
                     const StepProgress &progress = predicted()) {
  return collect(two_runs(), progress, recorded(newest_first));
}

// The mark of the run that counted; -1: none did.
int counted(const Evidence &evidence, const std::string &name = "alone") {
  const auto found = evidence.runs.find(name);
  return found == evidence.runs.end() ? -1 : found->second.summary.at("failed_percent").get<int>();
}

TEST(Evidence, OnlyRunsAfterThePredictionCount) {
  EXPECT_EQ(counted(evidence_of({run(7, {{"started_ms", predicted_ms - 1}})})), -1);
  EXPECT_EQ(counted(evidence_of({run(7, {{"started_ms", predicted_ms}})})), 7);
  EXPECT_EQ(counted(evidence_of({run(7, {{"started_ms", "noon"}})})), -1) << "nobody knows when";
  EXPECT_THAT(evidence_of({}).runs, IsEmpty());
}

TEST(Evidence, TheNewestValidRunWins) {
  EXPECT_EQ(counted(evidence_of({run(3), run(2), run(1)})), 3);
  const Evidence evidence =
      evidence_of({invalid_run(6), invalid_run(5), invalid_run(4), run(3), run(2)});
  EXPECT_EQ(counted(evidence), 3) << "however many invalid ones came after it";
  EXPECT_TRUE(evidence.runs.at("alone").proven);
  EXPECT_EQ(evidence.invalid.at("alone").at("failed_percent"), 6) << "which is remembered";
  EXPECT_EQ(evidence.invalid_in_turn.at("alone"), 3);
  EXPECT_THAT(evidence_of({run(3), invalid_run(2)}).invalid, IsEmpty()) << "older than it";
  EXPECT_EQ(counted(evidence_of({run(9, {{"verdict", "fail"}})})), 9) << "a failure proves much";
}

TEST(Evidence, ARunThatIsNotTheOneThatIsMeantDoesNotCount) {
  for (const json &other :
       {json{{"strategy", "adaptive"}}, json{{"profile", "ceiling"}}, json{{"model", "closed"}},
        json{{"params", {{"max", 4}}}}, json{{"params", nullptr}}, json{{"strategy", nullptr}},
        json{{"strategy", 3}}})
    EXPECT_EQ(counted(evidence_of({run(7, other)})), -1) << other;
  EXPECT_EQ(counted(evidence_of({run(7, {{"strategy", "adaptive"}}), run(6)})), 6)
      << "nor does it hide an older one";
}

TEST(Evidence, ARunThatWasStoppedOrIsShortDoesNotCount) {
  EXPECT_EQ(counted(evidence_of({run(7, {{"stopped", true}})})), -1);
  EXPECT_EQ(counted(evidence_of({run(7, {{"seconds", 3.9}})})), -1);
  EXPECT_EQ(counted(evidence_of({run(7, {{"seconds", nullptr}})})), -1);
  EXPECT_EQ(counted(evidence_of({run(7, {{"seconds", 4}})})), 7);
  EXPECT_EQ(counted(evidence_of({run(7, {{"stopped", nullptr}})})), 7);
}

TEST(Evidence, ASummaryThatIsDamagedDoesNotCountAndStopsNothing) {
  EXPECT_EQ(counted(evidence_of({json::array(), json("text"), run(5)})), 5);
}

TEST(Evidence, AnInvalidRunDoesNotCountAndIsRemembered) {
  const Evidence evidence = evidence_of({invalid_run(8), invalid_run(7)});
  EXPECT_EQ(counted(evidence), -1);
  ASSERT_TRUE(evidence.invalid.contains("alone"));
  EXPECT_EQ(evidence.invalid.at("alone").at("failed_percent"), 8) << "the newest";
  EXPECT_EQ(evidence.invalid.at("alone").at("folder"), "run-2");
}

TEST(Evidence, OtherProgramsMayBeBusyWhereOnlyRatiosAreDrawn) {
  EXPECT_EQ(counted(evidence_of({crowd(7, {"machine_busy"})}), "crowd"), 7);
  EXPECT_TRUE(evidence_of({crowd(7, {"machine_busy"})}).runs.at("crowd").proven);
  EXPECT_EQ(counted(evidence_of({crowd(7, {"machine_busy", "machine_busy"})}), "crowd"), 7);
  EXPECT_EQ(counted(evidence_of({crowd(7, {"machine_busy", "lag"})}), "crowd"), -1);
  EXPECT_EQ(counted(evidence_of({crowd(7, {"lag"})}), "crowd"), -1);
  json without_codes = crowd(7, {"machine_busy"});
  without_codes["guards"].erase("codes");
  EXPECT_EQ(counted(evidence_of({without_codes}), "crowd"), -1) << "nobody knows why";
  EXPECT_EQ(counted(evidence_of({invalid_run(7, {"machine_busy"})})), -1)
      << "only where the step says so";
}

TEST(Evidence, AfterThreeInvalidRunsTheNewestStandsInUnproven) {
  EXPECT_EQ(counted(evidence_of({invalid_run(2), invalid_run(1)})), -1);
  const Evidence evidence = evidence_of({invalid_run(3), invalid_run(2), invalid_run(1)});
  EXPECT_EQ(counted(evidence), 3);
  EXPECT_FALSE(evidence.runs.at("alone").proven);
  EXPECT_EQ(counted(evidence_of({invalid_run(3), invalid_run(2),
                                 run(1, {{"verdict", "invalid"}, {"stopped", true}})})),
            -1)
      << "one that was stopped is none of the three";
  StepProgress later = predicted();
  later.predicted_ms = predicted_ms + 2;
  EXPECT_EQ(counted(evidence_of({invalid_run(3), invalid_run(2), invalid_run(1)}, later)), -1)
      << "nor is one before the prediction";
}

TEST(Evidence, WhatIsKeptOfARunIsAllThatFormulasRead) {
  const json kept = evidence_of({run(3)}).runs.at("alone").summary;
  EXPECT_EQ(kept.at("folder"), "run-1");
  EXPECT_FALSE(kept.contains("by_second"));
  EXPECT_EQ(kept.at("pool"), run(3).at("pool"));
}

TEST(Evidence, RunsThatWereRemovedAreReplacedByWhatWasStored) {
  StepProgress progress = predicted();
  progress.runs["alone"] = run(5, {{"folder", "run-gone"}});
  Evidence evidence = evidence_of({}, progress);
  EXPECT_EQ(counted(evidence), 5);
  EXPECT_TRUE(evidence.runs.at("alone").proven);
  EXPECT_EQ(counted(evidence_of({run(6)}, progress)), 6) << "a newer one counts";
  EXPECT_EQ(counted(evidence_of({invalid_run(9), invalid_run(8), invalid_run(7)}, progress)), 5)
      << "invalid ones don't take its place";

  progress.runs["alone"] = invalid_run(4);
  EXPECT_FALSE(evidence_of({}, progress).runs.at("alone").proven);
  progress.runs["crowd"] = crowd(4, {"machine_busy"});
  EXPECT_TRUE(evidence_of({}, progress).runs.at("crowd").proven);
}

TEST(KeptEvidence, IsWhatCountedThen) {
  StepProgress progress = predicted();
  progress.runs["alone"] = run(5, {{"folder", "run-gone"}});
  const Evidence evidence = kept_evidence(progress, recorded({run(9), run(8)}));
  EXPECT_EQ(counted(evidence), 5) << "a later run, made for another reason, changes nothing";
  EXPECT_TRUE(evidence.runs.at("alone").proven);
  EXPECT_EQ(evidence.runs.size(), 1U);
}

TEST(KeptEvidence, ReadsAFolderThatIsStillThereAgain) {
  StepProgress progress = predicted();
  progress.runs["alone"] = run(5, {{"folder", "run-1"}});
  const json found = kept_evidence(progress, recorded({run(9), run(8)})).runs.at("alone").summary;
  EXPECT_EQ(found.at("failed_percent"), 8) << "run-1 is the older of the two";
  EXPECT_EQ(found.at("folder"), "run-1");
}

TEST(KeptEvidence, StaysUnprovenWhenItWas) {
  StepProgress progress = predicted();
  progress.runs["alone"] = invalid_run(5);
  progress.unproven = true;
  EXPECT_FALSE(kept_evidence(progress, {}).runs.at("alone").proven);
  progress.runs["alone"] = run(5);
  EXPECT_TRUE(kept_evidence(progress, {}).runs.at("alone").proven);
  progress.runs["alone"] = crowd(5, {"machine_busy"});
  progress.unproven = false;
  EXPECT_TRUE(kept_evidence(progress, {}).runs.at("alone").proven) << "company was allowed";
}

TEST(Evidence, ItsFactsAreTheRunsByNameAndTheSettings) {
  Evidence evidence = evidence_of({run(3), crowd(4, {})});
  evidence.settings = {{"fixed_tiny", {{"max", 8}}}};
  const Facts facts = evidence.facts();
  EXPECT_EQ(facts.value("alone.failed_percent"), 3);
  EXPECT_EQ(facts.value("crowd.failed_percent"), 4);
  EXPECT_EQ(facts.value("settings.fixed_tiny.max"), 8);
}

} // namespace
} // namespace lab::path
