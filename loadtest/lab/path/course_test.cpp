// The whole path for one learner, in a folder: steps, progress, recorded runs. What
// stands in my/settings.toml is checked with a stand-in for the host.
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadtest/lab/path/course.hpp"
#include "loadtest/lab/path/made_up.hpp"
#include "loadtest/lab/path/pace.hpp"

namespace lab::path {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CourseTest : public testing::Test, protected MadeUpLab {
protected:
  CourseTest() { host_is_up(); }

  Course course() const { return Course(places()); }

  // Predicted, with right answers: passed as soon as its runs hold.
  void answer(const std::string &name) {
    change([&](Progress &progress) { progress.steps[name].predicted_ms = predicted_ms; });
    const Course now = course();
    const Step &step = now.step(name);
    const Facts facts = now.evidence(step).facts();
    change([&](Progress &progress) {
      for (const Question &question : step.questions)
        progress.steps[name].tries[question.id] = {right_answer(question, facts)};
    });
  }

  // As `check` does when all is right.
  void end(const std::string &name) {
    const Course now = course();
    const Evidence evidence = now.evidence(now.step(name));
    change([&](Progress &progress) {
      StepProgress &done = progress.steps[name];
      done.ended_ms = predicted_ms + 1000;
      for (const auto &[run, counted] : evidence.runs)
        done.runs[run] = counted.summary;
    });
  }

  Standing standing(const std::string &name) const {
    const Course now = course();
    return now.standing(now.step(name));
  }

  std::string broken_by(const std::string &name) const {
    const Course now = course();
    return now.broken_by(now.step(name));
  }

  // size-it, passed with 8 connections that the file says too.
  void pass_size_it() {
    settings("[fixed_tiny]\nmax = 8\n");
    record({{"failed_percent", 48.7}, {"rate", {{"ok", 60}}}});
    record({{"params", {{"max", 8}}}});
    answer("size-it");
    end("size-it");
    ASSERT_EQ(standing("size-it"), Standing::passed) << broken_by("size-it");
  }
};

std::vector<std::string> names(const std::vector<const Step *> &route) {
  std::vector<std::string> names;
  for (const Step *step : route)
    names.push_back(step->name);
  return names;
}

// ---- the route -------------------------------------------------------------------

TEST_F(CourseTest, TheRouteIsAsLongAsThereIsTime) {
  EXPECT_EQ(names(course().route()).size(), 9U);
  change([](Progress &progress) { progress.minutes = 15; });
  EXPECT_THAT(names(course().route()), ElementsAre("break-small", "break-big", "size-it"));
  EXPECT_EQ(course().current()->name, "break-small");
}

TEST_F(CourseTest, AStepIsFoundByNumberNameOrBoth) {
  const Course now = course();
  for (const char *wanted : {"2", "break-small", "2-break-small"})
    EXPECT_EQ(now.step(wanted).name, "break-small") << wanted;
  EXPECT_THAT(failure_of([&] { (void)now.step("break"); }),
              AllOf(HasSubstr("there is no step break"), HasSubstr("2 break-small")));
}

TEST_F(CourseTest, AStepStandsWhereTheLearnerLeftIt) {
  EXPECT_EQ(standing("gauges"), Standing::ahead);
  change([](Progress &progress) { progress.steps["gauges"].begun_ms = 1; });
  EXPECT_EQ(standing("gauges"), Standing::begun);
  change([](Progress &progress) { progress.steps["gauges"].predicted_ms = 2; });
  EXPECT_EQ(standing("gauges"), Standing::locked);
  change([](Progress &progress) { progress.steps["gauges"].skipped = true; });
  EXPECT_EQ(standing("gauges"), Standing::skipped);
  EXPECT_EQ(course().current()->name, "break-small");
}

TEST_F(CourseTest, WhoComesOutOfOrderIsToldWhatComesFirst) {
  Course now = course();
  EXPECT_EQ(failure_of([&] { now.require_order(now.step("gauges")); }), "");
  EXPECT_THAT(failure_of([&] { now.require_order(now.step("break-small")); }),
              AllOf(HasSubstr("step 1 (gauges) comes first"), HasSubstr("scripts/lab next"),
                    HasSubstr("scripts/lab skip 1")));
  now.change([](Progress &progress) { progress.steps["gauges"].predicted_ms = 1; });
  EXPECT_THAT(failure_of([&] { now.require_order(now.step("break-small")); }), HasSubstr("gauges"));
  now.change([](Progress &progress) { progress.steps["gauges"].skipped = true; });
  EXPECT_EQ(failure_of([&] { now.require_order(now.step("break-small")); }), "");
  EXPECT_THAT(failure_of([&] { now.require_order(now.step("two-causes")); }),
              HasSubstr("step 2 (break-small) comes first"));
  now.change([](Progress &progress) {
    progress.minutes = 15;
    progress.steps.clear();
  });
  EXPECT_EQ(failure_of([&] { now.require_order(now.step("break-small")); }), "")
      << "gauges is not of the short route";
}

TEST_F(CourseTest, WhoIsThroughHasNoStepLeft) {
  change([](Progress &progress) {
    progress.minutes = 15;
    for (const char *name : {"break-small", "break-big", "size-it"})
      progress.steps[name].skipped = true;
  });
  EXPECT_EQ(course().current(), nullptr);
}

// ---- what was passed -------------------------------------------------------------

TEST_F(CourseTest, ARunInTheFolderCounts) {
  record({{"rate_asked", 20}, {"rate", {{"offered", 20}}}});
  const Course now = course();
  EXPECT_TRUE(now.evidence(now.step("gauges")).runs.contains("calm"));
  EXPECT_FALSE(now.evidence(now.step("break-small")).runs.contains("small"));
}

TEST_F(CourseTest, AStepThatWasPassedStaysPassed) {
  pass_size_it();
  record({{"params", {{"max", 5}}}, {"failed_percent", 20}});
  EXPECT_EQ(standing("size-it"), Standing::passed) << "a later run of another step";
  fs::remove_all(places().runs());
  EXPECT_EQ(standing("size-it"), Standing::passed) << "runs are pruned";
}

TEST_F(CourseTest, IsBrokenWhenTheSettingsNoLongerSayWhatTheRunHad) {
  pass_size_it();
  settings("[fixed_tiny]\nmax = 30\n");
  EXPECT_EQ(standing("size-it"), Standing::broken);
  EXPECT_THAT(broken_by("size-it"), HasSubstr("8 connections, which is not what my/settings.toml"));
  settings("# [fixed_tiny]\n# max = 8\n");
  EXPECT_EQ(standing("size-it"), Standing::broken);
  fs::remove(places().my_settings());
  EXPECT_EQ(standing("size-it"), Standing::broken);
  settings("[fixed_tiny]\nmax = 8\nwait_ms = 100\n");
  EXPECT_EQ(standing("size-it"), Standing::passed) << "mended";
}

TEST_F(CourseTest, IsBrokenByAMistakeInTheSettingsWithItsLine) {
  pass_size_it();
  settings("[fixed_tiny]\nmax = 8\nmaximum = 9\n");
  EXPECT_THAT(broken_by("size-it"),
              HasSubstr("my/settings.toml line 3: fixed_tiny has no setting called maximum"));
}

TEST_F(CourseTest, IsNotBrokenByALabThatIsDown) {
  pass_size_it();
  host_is_down();
  EXPECT_EQ(standing("size-it"), Standing::passed) << broken_by("size-it");
  change([](Progress &progress) { progress.steps["size-it"].ended_ms = 0; });
  const Course now = course();
  const Step &step = now.step("size-it");
  const Judged judged = judge(step, now.of(step), now.evidence(step));
  EXPECT_EQ(judged.verdict, Verdict::not_yet) << "but it can't be passed anew";
  std::vector<std::string> said;
  for (const Finding &finding : judged.findings)
    said.push_back(finding.text);
  EXPECT_THAT(said, Contains(HasSubstr("the lab is not up: scripts/lab up")));
}

TEST_F(CourseTest, IsBrokenByAnAnswerOrARunThatWasChangedByHand) {
  pass_size_it();
  change([](Progress &progress) { progress.steps["size-it"].tries["serve"] = {"3"}; });
  EXPECT_THAT(broken_by("size-it"), HasSubstr("an answer in the progress file"));
  change([](Progress &progress) {
    progress.steps["size-it"].tries["serve"] = {"500"};
    progress.steps["size-it"].runs.erase("after");
  });
  EXPECT_EQ(standing("size-it"), Standing::passed) << "it is recorded still";
  fs::remove_all(places().runs());
  EXPECT_THAT(broken_by("size-it"), HasSubstr("no run yet"));
}

TEST_F(CourseTest, ANumberThatWasKeptWithAnotherUnitStillCounts) {
  pass_size_it();
  change([](Progress &progress) { progress.steps["size-it"].tries["serve"] = {"500/s"}; });
  EXPECT_EQ(standing("size-it"), Standing::passed) << broken_by("size-it");
}

TEST_F(CourseTest, AWrongAnswerIsMendedByAnsweringAnew) {
  pass_size_it();
  const auto way = [this] {
    const Course now = course();
    return now.mend(now.step("size-it"));
  };
  change([](Progress &progress) { progress.steps["size-it"].tries["serve"] = {"3"}; });
  EXPECT_THAT(way(), HasSubstr("Answer it anew: scripts/lab check 6\n"));
  settings("[fixed_tiny]\nmax = 30\n");
  EXPECT_THAT(way(), HasSubstr("begin it anew: scripts/lab again 6\n"))
      << "that alone mends nothing";
}

TEST_F(CourseTest, AnUnprovenStepWhoseRunsNoLongerHoldIsBroken) {
  pass_size_it();
  change([](Progress &progress) { progress.steps["size-it"].unproven = true; });
  EXPECT_EQ(standing("size-it"), Standing::unproven);
  settings("[fixed_tiny]\nmax = 12\n");
  record({{"params", {{"max", 12}}}});
  EXPECT_EQ(standing("size-it"), Standing::broken) << "its answer is about the size before";
}

TEST_F(CourseTest, ANewerRunThatFitsStandsInForOneThatNoLongerHolds) {
  pass_size_it();
  settings("[fixed_tiny]\nmax = 12\n");
  record({{"params", {{"max", 12}}}, {"failed_percent", 4}});
  EXPECT_THAT(broken_by("size-it"), HasSubstr("8 connections, which is not")) << "it failed";
  record({{"params", {{"max", 12}}}});
  record({{"params", {{"max", 3}, {"wait_ms", 3000}}}, {"failed_percent", 40}}); // of another step
  EXPECT_EQ(broken_by("size-it"),
            "another run of yours fits, and the answer to yours is about the one before");
  const Course now = course();
  EXPECT_THAT(now.mend(now.step("size-it")), HasSubstr("Answer it anew: scripts/lab check 6\n"));
  change([](Progress &progress) { progress.steps["size-it"].tries["yours"] = {"160", "240"}; });
  EXPECT_EQ(standing("size-it"), Standing::passed) << broken_by("size-it");
}

TEST_F(CourseTest, WhatHoldsStillIsNotReplacedByANewerRun) {
  pass_size_it();
  record({{"params", {{"max", 12}}}});
  const Course now = course();
  const Evidence evidence = now.evidence(now.step("size-it"));
  EXPECT_FALSE(evidence.other);
  EXPECT_EQ(evidence.runs.at("after").summary.at("params").at("max"), 8);
}

// Older files keep the texts of options.
TEST_F(CourseTest, AnAnswerKeptAsATextCountsWhileTheTextIsThere) {
  record({{"rate_asked", 20}, {"rate", {{"offered", 20}}}});
  answer("gauges"); // with texts
  end("gauges");
  const auto kept = [this] { return progress().steps["gauges"].tries["max"]; };
  EXPECT_THAT(kept(), ElementsAre("The most connections that the pool may have open"));
  EXPECT_EQ(standing("gauges"), Standing::passed) << broken_by("gauges");
  Course now = course();
  now.change([](Progress &) {});
  EXPECT_THAT(kept(), ElementsAre("connections")) << "from now on by its id";
  edit_step("1-gauges", "The most connections that the pool may have open", "Its size");
  EXPECT_EQ(standing("gauges"), Standing::passed) << broken_by("gauges");
}

TEST_F(CourseTest, AnAnswerWhoseTextIsGoneCountsOnOnceTheStepHasEnded) {
  record({{"rate_asked", 20}, {"rate", {{"offered", 20}}}});
  answer("gauges");
  edit_step("1-gauges", "The most connections that the pool may have open", "Its size");
  const auto judged = [this] {
    const Course now = course();
    const Step &step = now.step("gauges");
    const Judged judged = judge(step, now.of(step), now.evidence(step));
    std::string said;
    for (const Finding &finding : judged.findings)
      said += finding.text + "\n";
    return std::pair(judged.verdict, said);
  };
  EXPECT_EQ(judged(), std::pair(Verdict::not_yet, judged().second)) << "it never counted";
  EXPECT_THAT(judged().second,
              HasSubstr("max: what you answered is no longer among the options. Answer it anew: "
                        "scripts/lab check 1 --answer max=...\n"));
  end("gauges");
  EXPECT_EQ(standing("gauges"), Standing::passed) << broken_by("gauges");
  EXPECT_THAT(judged().second,
              HasSubstr("max: what you answered is no longer among the options, and still counts. "
                        "Answer it anew: scripts/lab check 1 --answer max=...\n"));
}

TEST_F(CourseTest, TheFirstStepThatIsBrokenIsTheNextToDo) {
  change([](Progress &progress) { progress.minutes = 15; });
  pass_size_it();
  change([](Progress &progress) {
    progress.steps["break-small"].skipped = true;
    progress.steps["break-big"].skipped = true;
  });
  EXPECT_EQ(course().current(), nullptr);
  settings("[fixed_tiny]\nmax = 30\n");
  ASSERT_NE(course().current(), nullptr);
  EXPECT_EQ(course().current()->name, "size-it");
}

TEST_F(CourseTest, AStepThatEndedUnprovenIsBehindTheLearner) {
  pass_size_it();
  change([](Progress &progress) {
    StepProgress &done = progress.steps["size-it"];
    done.unproven = true;
    for (auto &[name, run] : done.runs)
      run["verdict"] = "invalid";
  });
  fs::remove_all(places().runs());
  EXPECT_EQ(standing("size-it"), Standing::unproven);
}

TEST_F(CourseTest, NothingIsWrittenByLooking) {
  const Course now = course();
  (void)now.current();
  EXPECT_FALSE(fs::exists(places().progress()));
  EXPECT_FALSE(fs::exists(places().my_settings()));
}

TEST(Standing, HasNames) {
  EXPECT_STREQ(standing_name(Standing::ahead), "ahead");
  EXPECT_STREQ(standing_name(Standing::locked), "predicted");
  EXPECT_STREQ(standing_name(Standing::broken), "no longer holds");
}

// ---- what to type ----------------------------------------------------------------

std::vector<std::string> typed(const std::string &step, const Progress &progress,
                               std::size_t run = 0) {
  return commands_for(real_step(step).runs.at(run), progress);
}

Progress at_pace(double pace) {
  Progress progress;
  progress.pace = pace;
  return progress;
}

TEST(CommandsFor, UsualValuesNeedNoFlags) {
  EXPECT_THAT(typed("two-causes", {}),
              ElementsAre("scripts/lab use fixed_tiny --set max=3 --set wait_ms=200",
                          "scripts/lab load hold"));
  EXPECT_THAT(typed("break-small", {}).back(), "scripts/lab load hold --model closed --users 50");
  EXPECT_THAT(typed("break-big", {}),
              ElementsAre("scripts/lab compare fixed_huge bounded_timeout --profile ceiling"));
}

TEST(CommandsFor, SayARateThatIsNotTheUsualOne) {
  EXPECT_THAT(typed("gauges", {}),
              ElementsAre("scripts/lab use fixed_tiny", "scripts/lab load hold --rate 20"));
  EXPECT_THAT(typed("adaptive", {}), ElementsAre("scripts/lab up --hosts 1",
                                                 "scripts/lab compare bounded_timeout adaptive "
                                                 "--profile hold --rate 400"));
}

TEST(CommandsFor, HalfThePaceIsHalfTheRateAndTwiceTheHold) {
  EXPECT_EQ(typed("two-causes", at_pace(0.5)).back(), "scripts/lab load hold --rate 60 --hold 100");
  EXPECT_EQ(typed("gauges", at_pace(0.5)).back(), "scripts/lab load hold --rate 10 --hold 100");
  EXPECT_EQ(typed("adaptive", at_pace(0.5)).back(),
            "scripts/lab compare bounded_timeout adaptive --profile hold --rate 200 --hold 100");
  EXPECT_EQ(typed("break-small", at_pace(0.5)).back(),
            "scripts/lab load hold --model closed --users 50 --hold 100")
      << "users ask again when they are answered: a longer hold is a lower rate";
  EXPECT_THAT(typed("break-big", at_pace(0.5)), typed("break-big", {}))
      << "what the step does not state stays";
  EXPECT_EQ(typed("two-causes", at_pace(0.5)).front(), typed("two-causes", {}).front());
}

TEST(CommandsFor, RateTimesHoldStaysAtEveryPace) {
  PlannedRun run;
  run.profile = "hold";
  run.commands = {"load hold"};
  for (const auto &[rate, hold] : {std::pair{120, 50}, {20, 50}, {400, 50}})
    for (double pace = 1; pace >= least_pace; pace -= 0.0125) {
      run.rate = rate;
      run.hold_ms = hold;
      const std::string command = commands_for(run, at_pace(pace)).front();
      int typed_rate = 120, typed_hold = 50;
      if (const auto at = command.find("--rate "); at != std::string::npos)
        typed_rate = std::stoi(command.substr(at + 7));
      if (const auto at = command.find("--hold "); at != std::string::npos)
        typed_hold = std::stoi(command.substr(at + 7));
      EXPECT_NEAR(typed_rate, rate * pace, 0.51) << command;
      EXPECT_NEAR(typed_rate * typed_hold, rate * hold, 0.02 * rate * hold) << command;
      EXPECT_GE(typed_rate, 1);
    }
}

// A step's condition must take what it told the learner to type.
TEST(CommandsFor, WhatIsTypedAtAnyPaceFitsTheStep) {
  for (const char *name : {"gauges", "size-it", "timeouts", "adaptive"})
    for (double pace = 1; pace >= least_pace; pace -= 0.0125) {
      const PlannedRun &run = real_step(name).runs.front();
      const std::string command = commands_for(run, at_pace(pace)).back();
      json asked = {{"strategy", run.strategy}, {"rate_asked", 120}, {"hold_ms", 50}};
      if (const auto at = command.find("--rate "); at != std::string::npos)
        asked["rate_asked"] = std::stoi(command.substr(at + 7));
      if (const auto at = command.find("--hold "); at != std::string::npos)
        asked["hold_ms"] = std::stoi(command.substr(at + 7));
      EXPECT_TRUE(fits(run, made_up_run(asked))) << name << ": " << command;
    }
}

TEST(CommandsFor, FastRunsAreShort) {
  Progress fast;
  fast.fast = true;
  EXPECT_THAT(typed("two-causes", fast),
              ElementsAre("scripts/lab use fixed_tiny --set max=3 --set wait_ms=200",
                          "scripts/lab load hold --seconds 5"));
  EXPECT_THAT(typed("break-big", fast), typed("break-big", {})) << "compare is short anyway";
  fast.pace = 0.5;
  EXPECT_EQ(typed("gauges", fast).back(), "scripts/lab load hold --rate 10 --hold 100 --seconds 5");
}

TEST(CommandsFor, ARunThatAnotherBringsAlongNeedsNone) {
  EXPECT_THAT(typed("break-big", {}, 1), IsEmpty());
}

} // namespace
} // namespace lab::path
