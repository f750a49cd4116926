// Each of the lab's steps, on made-up runs: passed by what it is about, and not by
// doing nothing, a huge timeout, a huge pool, or whatever else one might try there.
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadtest/lab/path/judge.hpp"
#include "loadtest/lab/path/made_up.hpp"
#include "loadtest/lab/path/told.hpp"

namespace lab::path {
namespace {

using nlohmann::json;
using testing::AnyOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A run was removed in a wrong fix when it is null there.
struct WrongFix {
  const char *name = "";
  json changes = json::object(); // merge patches, by run
  const char *reads = "";        // what a finding says, with the number
  json settings = nullptr;       // those of Passing
};

struct Passing {
  const char *step;
  std::map<std::string, json> runs;           // merge patches over made_up_run
  std::map<std::string, std::string> answers; // numbers as typed; choices are the right ones
  json settings = json::object();
};

Evidence evidence_of(const Step &step, const Passing &passing, const WrongFix &fix) {
  std::vector<json> runs;
  for (const auto &[name, patch] : passing.runs) {
    const json change = fix.changes.value(name, json::object());
    if (change.is_null())
      continue;
    json run = made_up_run(patch);
    run.merge_patch(change);
    runs.push_back(run);
  }
  StepProgress progress;
  progress.predicted_ms = predicted_ms;
  Evidence evidence = collect(step, progress, recorded(runs));
  evidence.settings = fix.settings.is_null() ? passing.settings : fix.settings;
  return evidence;
}

StepProgress answered(const Step &step, const Passing &passing) {
  StepProgress progress;
  progress.predicted_ms = predicted_ms;
  for (const Question &question : step.questions)
    progress.tries[question.id] = {question.is_choice() ? question.right_option().text
                                                        : passing.answers.at(question.id)};
  return progress;
}

std::vector<std::string> said(const Judged &judged) {
  std::vector<std::string> texts;
  for (const Finding &finding : judged.findings)
    if (finding.is != Finding::Is::good)
      texts.push_back(finding.text);
  return texts;
}

void expect_passed(const Passing &passing) {
  const Evidence evidence = evidence_of(real_step(passing.step), passing, {});
  const Step step = told(real_step(passing.step), Progress(), evidence);
  const Judged judged = judge(step, answered(step, passing), evidence);
  EXPECT_EQ(judged.verdict, Verdict::pass) << passing.step;
  EXPECT_THAT(said(judged), IsEmpty()) << passing.step;
  EXPECT_THAT(judged.open, IsEmpty()) << passing.step;
  for (const Finding &finding : judged.findings)
    EXPECT_THAT(finding.text, Not(AnyOf(HasSubstr("{}"), HasSubstr("?"))))
        << passing.step << ": the number is there";
  for (const Question &question : step.predictions)
    EXPECT_NE(right_answer(question, evidence.facts()), "?")
        << passing.step << ": the outcome stands beside the prediction " << question.id;
  for (const Question &question : step.questions) {
    EXPECT_NE(right_answer(question, evidence.facts()), "?") << passing.step << question.id;
    EXPECT_EQ(filled(question.ask, evidence.facts()).find('{'), std::string::npos);
  }

  // Right runs with a wrong number typed, or a wrong option, are not enough.
  for (const Question &question : step.questions) {
    StepProgress mistaken = answered(step, passing);
    mistaken.tries[question.id] = {question.is_choice() ? question.options.back().text : "12345"};
    const Judged open = judge(step, mistaken, evidence);
    EXPECT_EQ(open.verdict, Verdict::not_yet) << passing.step << ": " << question.id;
    ASSERT_EQ(open.open.size(), 1U) << passing.step << ": " << question.id;
    EXPECT_EQ(open.open[0]->id, question.id);
  }
}

void expect_rejected(const Passing &passing, const std::vector<WrongFix> &fixes) {
  const Step step = told(real_step(passing.step), Progress(), Evidence());
  EXPECT_GE(fixes.size(), 3U);
  for (const WrongFix &fix : fixes) {
    const Judged judged = judge(step, answered(step, passing), evidence_of(step, passing, fix));
    EXPECT_EQ(judged.verdict, Verdict::not_yet) << passing.step << ": " << fix.name;
    EXPECT_THAT(said(judged), Contains(HasSubstr(fix.reads))) << passing.step << ": " << fix.name;
  }
  // Nothing at all was done.
  WrongFix nothing;
  for (const PlannedRun &run : step.runs)
    nothing.changes[run.name] = nullptr;
  const Judged judged = judge(step, answered(step, passing), evidence_of(step, passing, nothing));
  EXPECT_EQ(judged.verdict, Verdict::not_yet) << passing.step;
  EXPECT_EQ(judged.to_run.size(), step.runs.size()) << passing.step << ": untouched";
}

// It is the machine that falls short, not the learner, who can go on.
void expect_unproven(const Passing &passing, const WrongFix &machine) {
  const Step step = told(real_step(passing.step), Progress(), Evidence());
  const Judged judged = judge(step, answered(step, passing), evidence_of(step, passing, machine));
  EXPECT_EQ(judged.verdict, Verdict::unproven) << passing.step << ": " << machine.name;
  EXPECT_THAT(said(judged), Contains(HasSubstr(machine.reads))) << passing.step;
}

// ---- 1 gauges --------------------------------------------------------------------

TEST(StepGauges, IsACalmLoadAndNoOther) {
  const Passing calm{"gauges",
                     {{"calm",
                       {{"rate", {{"offered", 20}}},
                        {"rate_asked", 20},
                        {"pool", {{"in_use_mean", 1.02}}},
                        {"failed_percent", 0.5}}}},
                     {{"average", "1"}}};
  expect_passed(calm);
  expect_rejected(calm,
                  {{"the usual load instead", {{"calm", {{"rate_asked", 120}}}}, "no run yet"},
                   {"another strategy", {{"calm", {{"strategy", "fixed_huge"}}}}, "no run yet"},
                   {"a longer hold", {{"calm", {{"hold_ms", 500}}}}, "no run yet"},
                   {"a pool of one", {{"calm", {{"failed_percent", 23.4}}}}, "23.4 % failed"}});
}

// ---- 2 break-small ---------------------------------------------------------------

Passing break_small() {
  return {"break-small",
          {{"small",
            {{"model", "closed"},
             {"users", 50},
             {"rate_asked", nullptr},
             {"sent", 2400},
             {"failed", {{"pool_timeout", 1800}}},
             {"failed_percent", 75},
             {"pool", {{"hold_ms", {{"mean", 51}}}}}}}},
          {{"last", "780 ms"}}};
}

TEST(StepBreakSmall, IsFiftyUsersOnThreeConnectionsAnd200Ms) {
  expect_passed(break_small());
  expect_rejected(
      break_small(),
      {{"a huge timeout",
        {{"small",
          {{"params", {{"wait_ms", 60000}}},
           {"failed", {{"pool_timeout", 0}}},
           {"failed_percent", 0}}}},
        "a wait of 60000 ms"},
       {"a huge pool",
        {{"small",
          {{"params", {{"max", 500}}}, {"failed", {{"pool_timeout", 0}}}, {"failed_percent", 0}}}},
        "500 connections"},
       {"fewer users", {{"small", {{"users", 5}}}}, "5 users"},
       {"hardly anybody gave up",
        {{"small", {{"failed", {{"pool_timeout", 100}}}, {"failed_percent", 4.17}}}},
        "4.17 % failed"},
       {"failures of another kind",
        {{"small", {{"failed", {{"pool_timeout", 0}, {"db_unavailable", 1800}}}}}},
        "75 % failed"},
       {"the open load", {{"small", {{"model", "open"}}}}, "no run yet"}});
}

// ---- 3 two-causes ----------------------------------------------------------------

Passing two_causes() {
  return {"two-causes",
          {{"small",
            {{"failed_percent", 49},
             {"pool", {{"turned_away_percent", 49}, {"hold_ms", {{"max", 61}}}}}}},
           {"frozen",
            {{"strategy", "bounded_timeout"},
             {"params", {{"max", 10}}},
             {"fault", {{"name", "freeze"}, {"seconds", 3.4}}},
             {"pool", {{"turned_away_percent", 31}, {"hold_ms", {{"max", 3420}}}}}}}},
          {{"longest", "3400"}}};
}

TEST(StepTwoCauses, IsASmallPoolAndAFrozenDatabase) {
  expect_passed(two_causes());
  expect_rejected(
      two_causes(),
      {{"no freeze", {{"frozen", {{"fault", nullptr}}}}, "no run yet of the same load"},
       {"a huge timeout",
        {{"small", {{"params", {{"wait_ms", 60000}}}, {"pool", {{"turned_away_percent", 0}}}}}},
        "only 0 % away"},
       {"a huge pool in the freeze",
        {{"frozen", {{"params", {{"max", 500}}}, {"pool", {{"turned_away_percent", 1.2}}}}}},
        "only 1.2 % away"},
       {"a large pool where a small one is meant",
        {{"small", {{"params", {{"max", 30}}}}}},
        "no run yet of 120 requests"},
       {"a freeze that is over at once",
        {{"frozen", {{"pool", {{"hold_ms", {{"max", 90}}}}}}}},
        "only 90 ms"}});
}

// ---- 4 break-big -----------------------------------------------------------------

Passing break_big() {
  return {"break-big",
          {{"huge",
            {{"strategy", "fixed_huge"},
             {"profile", "ceiling"},
             {"model", "closed"},
             {"users", 160},
             {"hold_ms", 1000},
             {"params", {{"max", 500}}},
             {"failed", {{"too_many_connections", 340}}},
             {"pool", {{"max_open", 97}}},
             {"neighbour", {{"tried", 20}, {"refused", 19}}}}},
           {"ten",
            {{"strategy", "bounded_timeout"},
             {"profile", "ceiling"},
             {"model", "closed"},
             {"users", 160},
             {"hold_ms", 1000},
             {"params", {{"max", 10}}},
             {"neighbour", {{"tried", 20}, {"refused", 0}}}}}},
          {{"most", "100"}, {"left", "97"}}};
}

TEST(StepBreakBig, IsAPoolThatLocksTheNeighbourOut) {
  expect_passed(break_big());
  expect_rejected(
      break_big(),
      {{"fixed_huge made small",
        {{"huge",
          {{"params", {{"max", 10}}},
           {"failed", {{"too_many_connections", nullptr}}},
           {"pool", {{"max_open", 10}}},
           {"neighbour", {{"refused", 0}}}}}},
        "might open 10 connections only"},
       {"the other one made huge",
        {{"ten", {{"params", {{"max", 500}}}, {"neighbour", {{"refused", 17}}}}}},
        "turned away 17 times"},
       {"a huge timeout on the wrong load",
        {{"huge", {{"profile", "hold"}}}},
        "no run yet of the ceiling load on fixed_huge"},
       {"a handful of users under the huge pool",
        {{"huge", {{"users", 20}}}},
        "no run yet of the ceiling load on fixed_huge"},
       {"a handful of users under the bounded pool",
        {{"ten", {{"users", 20}}}},
        "no run yet of the ceiling load on bounded"},
       {"a hold that is over at once",
        {{"ten", {{"hold_ms", 10}}}},
        "no run yet of the ceiling load on bounded"},
       {"the open load",
        {{"huge", {{"model", "open"}}}},
        "no run yet of the ceiling load on fixed_huge"},
       {"two servers", {{"ten", {{"hosts", 2}}}}, "no run yet of the ceiling load on bounded"}});
  expect_unproven(break_big(), {"a machine that serves too few at once",
                                {{"huge",
                                  {{"failed", {{"too_many_connections", nullptr}}},
                                   {"pool", {{"max_open", 59}}},
                                   {"neighbour", {{"refused", 0}}}}}},
                                "opened 59 connections and was not refused more: this machine"});
}

// ---- 5 more-is-slower ------------------------------------------------------------

Passing more_is_slower() {
  return {"more-is-slower",
          {{"huge",
            {{"strategy", "fixed_huge"},
             {"profile", "contended"},
             {"model", "closed"},
             {"rate", {{"ok", 300}}},
             {"pool", {{"max_in_use", 92}, {"hold_ms", {{"mean", 119}}}}}}},
           {"ten",
            {{"strategy", "bounded_timeout"},
             {"profile", "contended"},
             {"model", "closed"},
             {"rate", {{"ok", 900}}},
             {"pool", {{"max_in_use", 10}, {"hold_ms", {{"mean", 11.2}}}}}}}},
          {{"longer", "10.6"}}};
}

TEST(StepMoreIsSlower, IsContention) {
  expect_passed(more_is_slower());
  expect_rejected(
      more_is_slower(),
      {{"fixed_huge made small",
        {{"huge", {{"pool", {{"max_in_use", 10}}}, {"rate", {{"ok", 880}}}}}},
        "at most 10 transactions"},
       {"both huge", {{"ten", {{"rate", {{"ok", 310}}}}}}, "got 96.8 % of the work"},
       {"another load", {{"huge", {{"profile", "hold"}}}}, "no run yet of the contended load"}});
}

// ---- 6 size-it -------------------------------------------------------------------

Passing size_it() {
  return {"size-it",
          {{"before", {{"failed_percent", 48.7}, {"rate", {{"ok", 60}}}}},
           {"after",
            {{"params", {{"max", 8}}},
             {"failed_percent", 0.08},
             {"latency_ms", {{"p99", 96}}},
             {"pool", {{"hold_ms", {{"mean", 50}}}}}}}},
          {{"serve", "500 a second"}, {"yours", "160"}},
          {{"fixed_tiny", {{"max", 8}}}}};
}

TEST(StepSizeIt, IsASizeThatFitsWrittenIntoTheSettings) {
  expect_passed(size_it());
  expect_rejected(
      size_it(),
      {{"only the run before", {{"after", nullptr}}, "no run yet of the same load with your size"},
       {"the same again",
        {{"after", {{"params", {{"max", 3}}}, {"failed_percent", 48}}}},
        "no run yet of the same load with your size"},
       {"a huge timeout",
        {{"after",
          {{"params", {{"max", 3}, {"wait_ms", 60000}}},
           {"latency_ms", {{"p99", 5210}}},
           {"failed_percent", 0}}}},
        "took 5210 ms or more",
        {{"fixed_tiny", {{"max", 3}, {"wait_ms", 60000}}}}},
       {"a huge pool",
        {{"after", {{"params", {{"max", 500}}}}}},
        "500 connections are more than a quarter",
        {{"fixed_tiny", {{"max", 500}}}}},
       {"a size that is hardly larger",
        {{"after", {{"params", {{"max", 5}}}, {"failed_percent", 21.4}}}},
        "still 21.4 % failed",
        {{"fixed_tiny", {{"max", 5}}}}},
       {"by --set alone", json::object(), "8 connections, which is not what", json::object()},
       {"another size in the file",
        json::object(),
        "8 connections, which is not what",
        {{"fixed_tiny", {{"max", 30}}}}},
       {"less load", {{"after", {{"rate_asked", 60}}}}, "no run yet of the same load"}});
}

// ---- 7 timeouts ------------------------------------------------------------------

Passing timeouts() {
  return {
      "timeouts",
      {{"short", {{"failed_percent", 49}, {"rate", {{"ok", 60}}}, {"latency_ms", {{"p50", 240}}}}},
       {"long",
        {{"params", {{"wait_ms", 3000}}},
         {"failed_percent", 38},
         {"rate", {{"ok", 60}}},
         {"latency_ms", {{"p50", 2750}}}}}},
      {{"factor", "11.5"}}};
}

TEST(StepTimeouts, IsTheSamePoolWithMorePatience) {
  expect_passed(timeouts());
  expect_rejected(
      timeouts(),
      {{"only the short wait", {{"long", nullptr}}, "no run yet of the same with a wait of 3 s"},
       {"a huge timeout", {{"long", {{"params", {{"wait_ms", 60000}}}}}}, "wait of 60000 ms"},
       {"a larger pool as well",
        {{"long", {{"params", {{"max", 10}}}, {"rate", {{"ok", 119}}}}}},
        "had 10 connections"},
       {"a larger pool's rate", {{"long", {{"rate", {{"ok", 119}}}}}}, "served 119 a second"},
       {"hardly more patience",
        {{"long", {{"params", {{"wait_ms", 510}}}, {"latency_ms", {{"p50", 550}}}}}},
        "at most 550 ms"}});
}

// ---- 8 budget --------------------------------------------------------------------

Passing budget() {
  const json two_servers = {{"strategy", "bounded_timeout"},
                            {"profile", "ceiling"},
                            {"model", "closed"},
                            {"hosts", 2},
                            {"users", 160},
                            {"hold_ms", 1000}};
  json greedy = two_servers, fair = two_servers;
  greedy.merge_patch({{"params", {{"max", 80}}},
                      {"failed", {{"too_many_connections", 120}}},
                      {"neighbour", {{"tried", 20}, {"refused", 14}}}});
  fair.merge_patch({{"params", {{"max", 40}}}, {"neighbour", {{"tried", 20}, {"refused", 0}}}});
  return {"budget", {{"greedy", greedy}, {"fair", fair}}, {{"each", "48"}}};
}

TEST(StepBudget, IsAShareThatLeavesRoom) {
  expect_passed(budget());
  expect_rejected(
      budget(),
      {{"only the greedy one", {{"fair", nullptr}}, "no run yet of the same with your own max"},
       {"one server", {{"fair", {{"hosts", 1}}}}, "no run yet of the same with your own max"},
       {"a handful of users",
        {{"fair", {{"users", 20}}}},
        "no run yet of the same with your own max"},
       {"a handful of users under the greedy one",
        {{"greedy", {{"users", 20}}}},
        "no run yet of the ceiling load on two servers"},
       {"a hold that is over at once",
        {{"fair", {{"hold_ms", 10}}}},
        "no run yet of the same with your own max"},
       {"still too large", {{"fair", {{"params", {{"max", 60}}}}}}, "120 together, more than"},
       {"a huge pool",
        {{"fair", {{"params", {{"max", 500}}}, {"neighbour", {{"refused", 18}}}}}},
        "1000 together, more than"},
       {"too timid", {{"fair", {{"params", {{"max", 10}}}}}}, "10 each use less than half"},
       {"the neighbour was refused",
        {{"fair", {{"params", {{"max", 48}}}, {"neighbour", {{"refused", 2}}}}}},
        "turned away 2 times, or one of your servers"},
       {"a server was refused",
        {{"fair", {{"failed", {{"too_many_connections", 9}}}}}},
        "or one of your servers was"}});
  expect_unproven(budget(), {"a machine that serves too few at once",
                             {{"greedy", {{"neighbour", {{"refused", 0}}}}}},
                             "with 80 each the neighbour was turned away 0 times: this machine"});
}

// ---- 9 adaptive ------------------------------------------------------------------

Passing adaptive() {
  const json load = {{"rate", {{"offered", 400}}}, {"rate_asked", 400}};
  json ten = load, moves = load;
  ten.merge_patch(
      {{"strategy", "bounded_timeout"}, {"params", {{"max", 10}}}, {"failed_percent", 49}});
  moves.merge_patch({{"strategy", "adaptive"},
                     {"params", {{"max", nullptr}}},
                     {"failed_percent", 6},
                     {"settled", {{"failed_percent", 0.4}}},
                     {"pool", {{"limit", 24}}}});
  return {"adaptive", {{"ten", ten}, {"adaptive", moves}}, {{"needed", "20"}}};
}

TEST(StepAdaptive, IsAFixedPoolThatFailsBesideOneThatMoves) {
  expect_passed(adaptive());
  expect_rejected(
      adaptive(),
      {{"the usual load", {{"adaptive", {{"rate_asked", 120}}}}, "no run yet of 400"},
       {"the fixed pool made large",
        {{"ten", {{"params", {{"max", 30}}}, {"failed_percent", 0.2}}}},
        "failed 0.2 % of the requests"},
       {"the fixed pool made patient", {{"ten", {{"failed_percent", 12}}}}, "failed 12 %"},
       {"adaptive held down",
        {{"adaptive", {{"settled", {{"failed_percent", 33.1}}}}}},
        "adaptive still failed 33.1 %"}});
}

} // namespace
} // namespace lab::path
