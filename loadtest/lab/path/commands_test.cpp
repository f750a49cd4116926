// What the commands of the path say and keep, on made-up runs. Nobody sits at a terminal.
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadtest/lab/files.hpp"
#include "loadtest/lab/path/commands.hpp"
#include "loadtest/lab/path/course.hpp"
#include "loadtest/lab/path/dialogue.hpp"
#include "loadtest/lab/path/made_up.hpp"
#include "loadtest/lab/path/pace.hpp"
#include "loadtest/lab/path/stored.hpp"
#include "loadtest/lab/places.hpp"

namespace lab::path {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

// The run of step 1.
const json calm = {{"rate_asked", 20}, {"rate", {{"offered", 20}}}};

class CommandsTest : public testing::Test, protected MadeUpLab {
protected:
  // What a command printed; cli::SetUpFailed as it is thrown.
  std::string lab(const std::string &command) const {
    CLI::App lab;
    cli::Chosen chosen;
    for (const auto add : {add_next, add_predict, add_check, add_hint, add_again, add_skip})
      add(lab, chosen);
    lab.parse(command);
    testing::internal::CaptureStdout();
    try {
      chosen.action(places());
    } catch (...) {
      testing::internal::GetCapturedStdout();
      throw;
    }
    return testing::internal::GetCapturedStdout();
  }

  // It again, which proves nothing.
  void record_invalid(const char *code, const char *why) {
    record({{"rate_asked", 20},
            {"verdict", "invalid"},
            {"why", why},
            {"guards", {{"codes", {code}}, {"others_percent", 50}}}});
  }

  // As an older lab kept them: by the texts of the options.
  void answer_gauges() const {
    change([](Progress &progress) {
      for (const Question &question : real_step("gauges").questions)
        progress.steps["gauges"].tries[question.id] = {
            question.is_choice() ? question.right_option().text : "1"};
    });
  }

  void skip_until(const std::string &step) const {
    for (const char *earlier : {"gauges", "break-small", "two-causes", "break-big",
                                "more-is-slower", "size-it", "timeouts"})
      if (earlier == step)
        return;
      else
        lab(fmt::format("skip {}", earlier));
  }

  // Step 6 as far as its first run, with a size in the settings.
  void begin_size_it(int max) {
    host_is_up();
    skip_until("size-it");
    settings(fmt::format("[fixed_tiny]\nmax = {}\n", max));
    lab("predict --answer size=6");
    record({{"failed_percent", 48.7}, {"rate", {{"ok", 60}}}});
  }

  // A run of a size that the machine was too busy for.
  static json busy_with(int max) {
    return {{"params", {{"max", max}}},
            {"verdict", "invalid"},
            {"why", "requests went out late"},
            {"guards", {{"codes", {"lag"}}, {"others_percent", 50}}}};
  }

  static std::string answers_with(int yours) {
    return fmt::format("--answer serve=500 --answer yours={} --answer 'option=Resize the pool: one "
                       "number, and the database has room for it'",
                       yours);
  }
};

TEST_F(CommandsTest, AMachineThatWasTooBusyIsAskedForLess) {
  lab("predict --answer in-use=1");
  record_invalid("lag", "requests went out late");
  const auto less = AllOf(HasSubstr("the machine was too busy for this run. The next one asks for "
                                    "less:\n"),
                          HasSubstr("--rate 10 --hold 100"));
  EXPECT_THAT(lab("check"), less);
  EXPECT_EQ(progress().pace, 0.5);
  EXPECT_THAT(lab("check"), less) << "the same run slows down once";
  EXPECT_EQ(progress().pace, 0.5);
  lab("again gauges");
  EXPECT_EQ(progress().pace, 1);
}

TEST_F(CommandsTest, WhereNothingLessCanBeAskedNobodyIsPromisedIt) {
  for (const char *step : {"gauges", "break-small", "two-causes"})
    lab(fmt::format("skip {}", step));
  lab("predict --answer who=a --answer neighbour=50");
  for (const char *strategy : {"fixed_huge", "bounded_timeout"})
    record({{"strategy", strategy},
            {"profile", "ceiling"},
            {"model", "closed"},
            {"users", 160},
            {"hold_ms", 1000},
            {"verdict", "invalid"},
            {"guards", {{"codes", {"machine_busy"}}}}});
  EXPECT_THAT(lab("check"), AllOf(HasSubstr("too busy for this run. Close other programs and run "
                                            "it again:\n"),
                                  Not(HasSubstr("less"))));
}

TEST_F(CommandsTest, ARunThatIsInvalidForAnotherReasonIsRunAgainAtTheSamePace) {
  lab("predict --answer in-use=1");
  record_invalid("strategy_changed", "the strategy changed in mid-run, to adaptive");
  EXPECT_THAT(lab("check"),
              AllOf(HasSubstr("this run proves nothing: the strategy changed in mid-run, to "
                              "adaptive. Run it again:\n"),
                    HasSubstr("run:  scripts/lab load hold --rate 20\n"), Not(HasSubstr("busy"))));
  EXPECT_EQ(progress().pace, 1);
}

TEST_F(CommandsTest, ThePredictionThatWasLockedFirstStays) {
  lab("next");
  std::string said;
  std::thread second;
  {
    // The second one has seen no prediction, and waits for its turn to write.
    const auto first = cli::FileLock::wait_for(places().progress().string() + ".lock");
    second = std::thread([&] { said = failure_of([&] { lab("predict --answer in-use=99"); }); });
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    Progress locked = progress();
    locked.steps["gauges"].predictions = {{"in-use", "1"}};
    locked.steps["gauges"].predicted_ms = predicted_ms;
    cli::write_whole(places().progress(), to_json(locked).dump());
  }
  second.join();
  EXPECT_THAT(said, HasSubstr("the prediction of step 1 is locked"));
  EXPECT_EQ(progress().steps["gauges"].predictions.at("in-use"), "1");
  EXPECT_EQ(progress().steps["gauges"].predicted_ms, predicted_ms);
}

TEST_F(CommandsTest, ASkippedStepIsNotCheckedButBroughtBack) {
  lab("skip gauges");
  EXPECT_EQ(failure_of([&] { lab("check gauges"); }), "step 1 is skipped: scripts/lab again 1");
  EXPECT_EQ(progress().steps["gauges"].checks, 0);
  lab("again gauges");
  EXPECT_THAT(lab("check gauges"), HasSubstr("predict first"));
}

TEST_F(CommandsTest, CheckSaysAsNextDoesThatAStepNoLongerHolds) {
  lab("predict --answer in-use=1");
  record({{"rate_asked", 20}, {"rate", {{"offered", 20}}}});
  answer_gauges();
  const auto anew = HasSubstr("It was passed, and no longer holds: an answer in the progress file "
                              "is not the right one\nAnswer it anew: scripts/lab check 1\n");
  EXPECT_THAT(lab("check"), AllOf(HasSubstr("\npass\n"), Not(anew)));
  change([](Progress &progress) { progress.steps["gauges"].tries["max"] = {"users"}; });
  EXPECT_THAT(lab("check gauges"), AllOf(HasSubstr("\nnot yet\n"), anew));
  EXPECT_THAT(lab("next"), anew);
}

TEST_F(CommandsTest, AnswersAreKeptByTheIdsOfTheirOptionsAndReadAsTexts) {
  for (const char *step : {"gauges", "break-small"})
    lab(fmt::format("skip {}", step));
  lab("predict --answer 'moves=How long requests wait'");
  EXPECT_EQ(progress().steps["two-causes"].predictions.at("moves"), "wait");
  EXPECT_EQ(json::parse(lab("next --json=-")).at("step").at("predictions").at(0).at("said"),
            "How long requests wait");
  EXPECT_THAT(lab("predict"), HasSubstr("moves: How long requests wait\n"));
  lab("again gauges");
  lab("predict --answer in-use=1");
  record(calm);
  lab("check --answer 'max=The most requests that are served each second'");
  EXPECT_THAT(progress().steps["gauges"].tries["max"], testing::ElementsAre("requests"));
}

TEST_F(CommandsTest, AnAnswerWhoseTextIsGoneCountsOnAndCanBeGivenAnew) {
  lab("predict --answer in-use=1");
  record(calm);
  answer_gauges();
  EXPECT_THAT(lab("check"), HasSubstr("\npass\n"));
  change([](Progress &progress) {
    progress.steps["gauges"].tries["max"] = {"What it was called long ago"};
  });
  EXPECT_THAT(lab("check gauges"),
              AllOf(HasSubstr("max: what you answered is no longer among the options, and still "
                              "counts. Answer it anew: scripts/lab check 1 --answer max=...\n"),
                    HasSubstr("max: fixed_tiny has a setting called max."), HasSubstr("\npass\n")));
  EXPECT_THAT(lab("check gauges --answer 'max=The most requests that are served each second'"),
              AllOf(HasSubstr("✗ max: no."), HasSubstr("\npass\n")))
      << "a wrong answer takes nothing";
  EXPECT_THAT(lab("check gauges --answer 'max=The most connections that the pool may have open'"),
              HasSubstr("✓ max: right."));
  EXPECT_THAT(progress().steps["gauges"].tries["max"],
              testing::ElementsAre("requests", "What it was called long ago", "connections"));
  EXPECT_THAT(lab("check gauges"), AllOf(HasSubstr("\npass\n"), Not(HasSubstr("no longer"))));
}

TEST_F(CommandsTest, AtASlowedPaceTheQuestionsAreAboutTheLoadThatIsAskedFor) {
  lab("skip gauges");
  change([](Progress &progress) { progress.pace = least_pace; });
  EXPECT_THAT(lab("next"), AllOf(HasSubstr("where the page says 50 ms, yours are 200 ms\n"),
                                 HasSubstr("--users 50 --hold 200\n")));
  EXPECT_THAT(lab("predict"), HasSubstr("each request holds a connection for 200 ms"));
  EXPECT_THAT(lab("hint") + lab("hint") + lab("hint"),
              AllOf(HasSubstr("so they serve about 15 requests a second"),
                    HasSubstr("--users 50 --hold 200, then scripts/lab check")));
  lab("predict --answer share=90 --answer processor=5");
  record({{"model", "closed"},
          {"users", 50},
          {"rate_asked", nullptr},
          {"hold_ms", 200},
          {"failed", {{"pool_timeout", 1000}}},
          {"pool", {{"hold_ms", {{"mean", 201}}}}}});
  change([](Progress &progress) { progress.pace = 1; }); // meanwhile, by `again`
  const auto of_the_run = AllOf(HasSubstr("each request holds a connection for 200 ms"),
                                HasSubstr("a request held its connection for 201 ms"),
                                HasSubstr("No: only about the first 3 of the line are"));
  EXPECT_THAT(lab("check"), of_the_run);
  change([](Progress &progress) { progress.pace = least_pace; });
  lab("again break-small");
  EXPECT_EQ(progress().pace, 1);
  lab("skip break-small");
  change([](Progress &progress) { progress.pace = least_pace; });
  EXPECT_THAT(lab("predict"), HasSubstr("First a pool of 3 under 30 requests a second"));
  for (const char *step : {"two-causes", "break-big", "more-is-slower"})
    lab(fmt::format("skip {}", step));
  EXPECT_THAT(lab("predict"),
              HasSubstr("30 requests a second, each holds a connection for 200 ms"));
}

TEST_F(CommandsTest, AStepThatIsNotOnTheShortRouteIsOneLine) {
  lab("next --minutes 15");
  for (const char *wanted : {"3", "two-causes"})
    EXPECT_EQ(failure_of([&] { lab(fmt::format("check {}", wanted)); }),
              "step 3 (two-causes) is not on the short route: scripts/lab next --minutes 45 leads "
              "to it");
  EXPECT_EQ(progress().steps.count("two-causes"), 0U);
  lab("next --minutes 45");
  lab("predict --answer in-use=1");
  lab("next --minutes 15");
  EXPECT_THAT(lab("check 1"), HasSubstr("no run yet of 20 requests a second"))
      << "one that is predicted is checked";
}

TEST_F(CommandsTest, ASizeThatWasChangedAndMeasuredAgainReplacesTheOneBefore) {
  host_is_up();
  for (const char *step : {"gauges", "break-small", "two-causes", "break-big", "more-is-slower"})
    lab(fmt::format("skip {}", step));
  settings("[fixed_tiny]\nmax = 8\n");
  lab("predict --answer size=6");
  record({{"failed_percent", 48.7}, {"rate", {{"ok", 60}}}});
  record({{"params", {{"max", 8}}}});
  EXPECT_THAT(lab("check --answer serve=500 --answer yours=160 --answer 'option=Resize the pool: "
                  "one number, and the database has room for it'"),
              HasSubstr("\npass\n"));
  EXPECT_EQ(lab("skip size-it"), "step 6 (size-it) is passed already\n");

  settings("[fixed_tiny]\nmax = 12\n");
  EXPECT_THAT(lab("check size-it"), AllOf(HasSubstr("\nnot yet\n"), HasSubstr("again 6")));
  record({{"params", {{"max", 12}}}});
  EXPECT_THAT(lab("check size-it"),
              AllOf(HasSubstr("yours: And the pool that you have set"),
                    HasSubstr("Answer it anew: scripts/lab check 6\n"), Not(HasSubstr("again 6"))));
  EXPECT_THAT(lab("check size-it --answer yours=240"), HasSubstr("\npass\n"));
  EXPECT_EQ(progress().steps["size-it"].runs.at("after").at("params").at("max"), 12);

  settings("[fixed_tiny]\nmax = 30\n");
  EXPECT_THAT(lab("skip size-it"), HasSubstr("step 6 (size-it) is skipped"))
      << "as check says, it no longer holds";
}

TEST_F(CommandsTest, WhatIsToldOfAnAnswerIsInTheJsonToo) {
  lab("predict --answer in-use=1");
  record({{"rate_asked", 20}, {"rate", {{"offered", 20}}}});
  const auto answered = [&](const std::string &given) {
    return json::parse(lab(fmt::format("check --json=-{}", given))).at("answered");
  };
  EXPECT_EQ(answered(""), json::array());
  const Question &code = real_step("gauges").questions.back();
  ASSERT_EQ(code.id, "code");
  const auto letter = [&](bool right) {
    const auto tries = progress().steps["gauges"].tries["code"].size();
    const auto options = shuffled(code, progress().salt, tries);
    std::size_t place = 0;
    while (options[place].right != right)
      ++place;
    return std::pair(fmt::format(" --answer code={:c}", static_cast<char>('a' + place)),
                     options[place].because);
  };
  for (const bool right : {false, true}) {
    const auto [given, because] = letter(right);
    EXPECT_EQ(
        answered(given),
        (json::array(
            {{{"id", "code"}, {"right", right}, {"because", right ? code.because : because}}})));
  }
}

TEST_F(CommandsTest, ANewerInvalidRunIsNotHiddenByAnOlderOneThatIsWrong) {
  begin_size_it(7);
  record({{"params", {{"max", 7}}}, {"failed_percent", 4}});
  EXPECT_THAT(lab("check"), AllOf(HasSubstr("after: still 4 % failed"), Not(HasSubstr("invalid"))));
  settings("[fixed_tiny]\nmax = 8\n");
  record(busy_with(8));
  const auto less = AllOf(HasSubstr("? the same load with your size, from my/settings.toml: the "
                                    "newest run of it is invalid: requests went out late\n"),
                          HasSubstr("The next one asks for less:\n"),
                          HasSubstr("edit: set max below [fixed_tiny] in my/settings.toml, and "
                                    "save\nrun:  scripts/lab load hold --rate 60 --hold 100\n"));
  EXPECT_THAT(lab("check"), less);
  EXPECT_EQ(progress().pace, 0.5);
  record(busy_with(8));
  EXPECT_THAT(lab("check"), Not(HasSubstr("unproven")));
  record(busy_with(8));
  EXPECT_THAT(lab(fmt::format("check {}", answers_with(160))),
              AllOf(HasSubstr("3 runs in turn were invalid"), HasSubstr("\nunproven\n")));
}

TEST_F(CommandsTest, AnInvalidRunThatIsOlderThanTheOneThatCountsIsNotTalkedAbout) {
  begin_size_it(7);
  record(busy_with(7));
  record({{"params", {{"max", 7}}}, {"failed_percent", 4}});
  EXPECT_THAT(lab("check"), AllOf(HasSubstr("after: still 4 % failed"), Not(HasSubstr("invalid")),
                                  Not(HasSubstr("busy"))));
  EXPECT_EQ(progress().pace, 1);
}

TEST_F(CommandsTest, ABrokenStepThatIsMeasuredAgainSaysThatTheNewRunIsInvalid) {
  begin_size_it(8);
  record({{"params", {{"max", 8}}}});
  EXPECT_THAT(lab(fmt::format("check {}", answers_with(160))), HasSubstr("\npass\n"));
  settings("[fixed_tiny]\nmax = 12\n");
  record(busy_with(12));
  EXPECT_THAT(lab("check size-it"), AllOf(HasSubstr("the newest run of it is invalid: requests "
                                                    "went out late\n"),
                                          HasSubstr("The next one asks for less:\n"),
                                          HasSubstr("run:  scripts/lab load hold --rate 60")));
  EXPECT_EQ(progress().pace, 0.5);
}

TEST_F(CommandsTest, ARunThatAnotherBringsAlongIsRunAgainWithIt) {
  skip_until("break-big");
  lab("predict --answer who=a --answer neighbour=50");
  json huge = {{"strategy", "fixed_huge"},
               {"params", {{"max", 500}}},
               {"profile", "ceiling"},
               {"model", "closed"},
               {"users", 160},
               {"hold_ms", 1000},
               {"failed", {{"too_many_connections", 10}}},
               {"neighbour", {{"tried", 10}, {"refused", 9}}}};
  record(huge);
  json ten = huge;
  ten.merge_patch({{"strategy", "bounded_timeout"},
                   {"verdict", "invalid"},
                   {"why", "the strategy changed in mid-run"},
                   {"guards", {{"codes", {"strategy_changed"}}}}});
  record(ten);
  const std::string compare = "scripts/lab compare fixed_huge bounded_timeout --profile ceiling\n";
  EXPECT_THAT(lab("check"), EndsWith("Run it again:\nrun:  " + compare));
  EXPECT_THAT(lab("next"), HasSubstr("[ ] run      " + compare));
  for (const json &run : json::parse(lab("next --json=-")).at("step").at("runs"))
    EXPECT_EQ(run.at("done"), false) << run;
  ten.merge_patch({{"verdict", "pass"}, {"guards", {{"codes", json::array()}}}});
  record(ten);
  EXPECT_THAT(lab("next"), HasSubstr("[x] run      " + compare));
}

TEST_F(CommandsTest, OneCommandForTwoRunsIsSaidOnce) {
  skip_until("break-big");
  lab("predict --answer who=a --answer neighbour=50");
  const std::string said = lab("check");
  EXPECT_NE(said.find("run:  "), std::string::npos);
  EXPECT_EQ(said.find("run:  "), said.rfind("run:  ")) << said;
}

TEST_F(CommandsTest, TwoLoadsThatAreComparedAskForTheSame) {
  skip_until("timeouts");
  lab("predict --answer 'served=About as many' --answer median=1000");
  record({{"rate", {{"ok", 60}}}});
  record({{"params", {{"wait_ms", 3000}}},
          {"rate_asked", 60},
          {"hold_ms", 100},
          {"rate", {{"ok", 30}}},
          {"latency_ms", {{"p50", 1500}}}});
  EXPECT_THAT(lab("check"),
              AllOf(HasSubstr("the two loads differ"), HasSubstr("\nnot yet\n"),
                    HasSubstr("run:  scripts/lab use fixed_tiny --set max=3 --set wait_ms=200\n"
                              "run:  scripts/lab load hold\n"
                              "run:  scripts/lab use fixed_tiny --set max=3 --set wait_ms=3000\n"
                              "run:  scripts/lab load hold\n")));
}

TEST_F(CommandsTest, AnUnprovenStepIsPassedByALaterGoodRun) {
  lab("predict --answer in-use=1");
  for (int i = 0; i < 3; ++i)
    record({{"rate_asked", 20},
            {"rate", {{"offered", 20}}},
            {"verdict", "invalid"},
            {"guards", {{"codes", {"strategy_changed"}}}}});
  answer_gauges();
  EXPECT_THAT(lab("check"), HasSubstr("\nunproven\n"));
  EXPECT_TRUE(progress().steps["gauges"].unproven);
  record({{"rate_asked", 20}, {"rate", {{"offered", 40}}}});
  record({{"params", {{"wait_ms", 3000}}}}); // of another step
  EXPECT_THAT(lab("next"), HasSubstr("Step 2,")) << "nobody is sent back to it";
  EXPECT_THAT(lab("check gauges"), HasSubstr("answer on a terminal, or like this"));
  EXPECT_THAT(lab("check gauges --answer average=2"), HasSubstr("\npass\n"));
  EXPECT_FALSE(progress().steps["gauges"].unproven);
  EXPECT_THAT(lab("check gauges"), HasSubstr("\npass\n"));
}

TEST_F(CommandsTest, AStepThatHasEndedIsCheckedWhateverElseComesFirst) {
  lab("next --minutes 15");
  begin_size_it(8);
  record({{"params", {{"max", 8}}}});
  EXPECT_THAT(lab(fmt::format("check {}", answers_with(160))), HasSubstr("\npass\n"));
  change([](Progress &progress) {
    for (const char *step : {"gauges", "two-causes", "more-is-slower"})
      progress.steps.erase(step);
  });
  lab("next --minutes 45");
  EXPECT_THAT(lab("check 6"), HasSubstr("\npass\n"));
  EXPECT_THAT(failure_of([&] { lab("check 7"); }), HasSubstr("step 1 (gauges) comes first"));
}

TEST_F(CommandsTest, AStepThatStoodBeforeItWasSkippedIsKeptAsOneThatStood) {
  lab("predict --answer in-use=1");
  record(calm);
  answer_gauges();
  lab("check");
  const auto ended = progress().steps["gauges"].ended_ms;
  change([ended](Progress &progress) {
    progress.steps["gauges"].ended_ms = ended - 1000;
    progress.steps["gauges"].tries["max"] = {"users"};
  });
  EXPECT_THAT(lab("skip gauges"), HasSubstr("is skipped"));
  EXPECT_EQ(progress().steps["gauges"].ended_ms, ended - 1000);
  lab("again gauges");
  const auto earlier = [this] { return progress().steps["gauges"].earlier; };
  EXPECT_EQ(earlier().at(0).at("skipped"), false);
  EXPECT_TRUE(stored_standing(real_step("gauges"), progress().steps["gauges"]).earlier);
  lab("skip gauges");
  lab("again gauges");
  EXPECT_EQ(earlier().at(1).at("skipped"), true) << "this one never stood";
}

TEST_F(CommandsTest, HintsAreToldWithTheLengthThatWasJustChosen) {
  lab("next");
  for (int i = 0; i < 3; ++i)
    lab("hint");
  const auto last_hint = [this](const char *command) {
    return json::parse(lab(command)).at("step").at("hints").at(2).get<std::string>();
  };
  EXPECT_THAT(last_hint("next --fast --json=-"), HasSubstr("--rate 20 --seconds 5"));
  EXPECT_THAT(last_hint("next --no-fast --json=-"), Not(HasSubstr("--seconds")));
}

} // namespace
} // namespace lab::path
