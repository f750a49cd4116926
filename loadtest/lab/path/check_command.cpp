// check: looks at the evidence, asks, and says pass, not yet or invalid.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "loadtest/lab/host_api.hpp"
#include "loadtest/lab/host_process.hpp"
#include "loadtest/lab/load_options.hpp"
#include "loadtest/lab/path/commands.hpp"
#include "loadtest/lab/path/course.hpp"
#include "loadtest/lab/path/dialogue.hpp"
#include "loadtest/lab/path/pace.hpp"
#include "loadtest/lab/path/table.hpp"

namespace lab::path {
namespace {

using cli::Exit;
using cli::Places;
using nlohmann::json;

struct Options {
  std::string step;
  std::vector<std::string> answers;
  cli::JsonOption json;
};

const char *sign(Finding::Is is) {
  switch (is) {
  case Finding::Is::good:
    return "✓";
  case Finding::Is::missing:
    return "·";
  case Finding::Is::wrong:
    return "✗";
  case Finding::Is::unproven:
    return "?";
  }
  return "";
}

void print_findings(std::FILE *people, const Judged &judged) {
  for (const Finding &finding : judged.findings)
    fmt::print(people, "  {} {}\n", sign(finding.is), finding.text);
}

void print_predictions(std::FILE *people, const Step &step, const StepProgress &done,
                       const Facts &facts) {
  for (const Question &question : step.predictions) {
    const auto said = done.predictions.find(question.id);
    if (said == done.predictions.end())
      continue;
    const std::string unit =
        question.is_choice() || question.unit.empty() ? "" : " " + question.unit;
    fmt::print(people, "  {}\n      you said {}{}; it was: {}{}\n", question.ask,
               question.said(said->second), unit, right_answer(question, facts), unit);
  }
}

// Those that are missing, and those that show something wrong.
std::vector<const PlannedRun *> runs_to_make(const Judged &judged) {
  std::vector<const PlannedRun *> runs = judged.to_run;
  runs.insert(runs.end(), judged.to_repeat.begin(), judged.to_repeat.end());
  return runs;
}

// After a run that the machine was too busy for the next one asks for less, where it can.
// Whatever else made a run invalid, a smaller load would not mend.
void say_why_invalid(std::FILE *people, Course &course, const Judged &judged,
                     const Evidence &evidence) {
  const PlannedRun *planned = nullptr;
  for (const PlannedRun *one : runs_to_make(judged)) {
    const auto invalid = evidence.invalid.find(one->name);
    if (invalid == evidence.invalid.end())
      continue;
    const bool busy = too_busy(invalid->second);
    planned = busy || planned == nullptr ? one : planned;
    if (busy)
      break;
  }
  if (planned == nullptr)
    return;
  const json &run = evidence.invalid.at(planned->name);
  if (!too_busy(run)) {
    fmt::print(people, "this run proves nothing: {}. Run it again:\n", run.value("why", ""));
    return;
  }
  const std::string folder = run.value("folder", "");
  if (course.progress().slowed_by != folder)
    course.change([&](Progress &progress) {
      progress.slowed_by = folder;
      progress.pace = slower(progress.pace, run);
    });
  fmt::print(people, "the machine was too busy for this run. {}:\n",
             asks_for_less(*planned, course.progress().pace, run)
                 ? "The next one asks for less"
                 : "Close other programs and run it again");
}

void print_what_to_run(std::FILE *people, const Course &course, const Step &step,
                       const Judged &judged) {
  std::set<const PlannedRun *> needed; // in the order of the step, each once
  for (const PlannedRun *planned : runs_to_make(judged))
    needed.insert(&step.brings(*planned));
  for (const PlannedRun &planned : step.runs) {
    if (!needed.contains(&planned))
      continue;
    if (!planned.edit.empty())
      fmt::print(people, "edit: {}\n", planned.edit);
    for (const std::string &command : commands_for(planned, course.progress()))
      fmt::print(people, "run:  {}\n", command);
  }
}

// One try for each question that is open. What people are told of each answer that was given:
// [{"id", "right", "because"}].
json ask_questions(std::FILE *people, Course &course, const Step &step, const Judged &judged,
                   const Facts &facts, const std::map<std::string, std::string> &given) {
  json answered = json::array();
  bool all_right = true;
  std::vector<const Question *> still_open;
  std::vector<const Question *> asked = judged.open;
  for (const Question *question : judged.reworded)
    if (course.of(step).ended_ms != 0)
      asked.push_back(question);
  for (const Question *question : asked) {
    const auto before = course.of(step).tries.find(question->id);
    const std::size_t tries = before == course.of(step).tries.end() ? 0 : before->second.size();
    const auto options = shuffled(*question, course.progress().salt, tries);
    std::optional<std::string> answer;
    if (const auto found = given.find(question->id); found != given.end()) {
      const Typed typed = understood(*question, options, found->second);
      if (!typed.answer)
        throw cli::SetUpFailed(typed.problem);
      answer = typed.answer;
    } else if (given.empty() && somebody_is_there()) {
      answer = ask(*question, options, facts);
      if (!answer)
        return answered;
    } else {
      fmt::print(people, "\n{}", shown_question(*question, options, facts));
      all_right = false;
      still_open.push_back(question);
      continue;
    }
    const bool good = right(*question, *answer, facts);
    // A wrong one takes nothing from an answer that counts on, though its words were edited.
    const bool beside = !good && course.of(step).ended_ms != 0 &&
                        std::find(judged.reworded.begin(), judged.reworded.end(), question) !=
                            judged.reworded.end();
    course.change([&](Progress &progress) {
      auto &all = progress.steps[step.name].tries[question->id];
      all.insert(beside && !all.empty() ? all.end() - 1 : all.end(), *answer);
    });
    all_right = all_right && good;
    std::string because = good ? question->because : "";
    if (!good && question->is_choice())
      because = question->option(*answer)->because;
    if (!good && !question->is_choice())
      because = "Look at the table and the question once more, or at scripts/lab hint.";
    fmt::print(people, "  {} {}: {}. {}\n", good ? "✓" : "✗", question->id, good ? "right" : "no",
               because);
    answered.push_back({{"id", question->id}, {"right", good}, {"because", because}});
    if (good)
      continue;
    still_open.push_back(question);
    if (!given.empty()) // its options have changed places: nobody answers by an old letter
      fmt::print(
          people, "\n{}\n",
          shown_question(*question, shuffled(*question, course.progress().salt, tries + 1), facts));
  }
  if (!all_right && given.empty() && somebody_is_there())
    fmt::print(people, "\nscripts/lab check asks again\n");
  if (!all_right && (!given.empty() || !somebody_is_there())) {
    std::string example;
    for (const Question *question : still_open)
      example += fmt::format(" --answer {}={}", question->id, question->is_choice() ? "b" : "12");
    fmt::print(people, "\nanswer on a terminal, or like this: scripts/lab check{}\n", example);
  }
  return answered;
}

// The step is behind the learner: what counted is kept. Once it is, other runs take its place only
// where it no longer holds.
void end(Course &course, const Step &step, const Evidence &evidence, const Judged &judged) {
  course.change([&](Progress &progress) {
    StepProgress &done = progress.steps[step.name];
    done.ended_ms = done.ended_ms == 0 ? now_ms() : done.ended_ms;
    done.skipped = false;
    done.unproven = judged.verdict == Verdict::unproven;
    for (const auto &[name, run] : evidence.runs)
      done.runs[name] = run.summary;
  });
}

// What was predicted, beside what came of it.
json outcomes(const Step &step, const StepProgress &done, const Facts &facts) {
  json all = json::array();
  for (const Question &question : step.predictions)
    if (const auto said = done.predictions.find(question.id); said != done.predictions.end())
      all.push_back({{"ask", question.ask},
                     {"said", question.said(said->second)},
                     {"was", right_answer(question, facts)},
                     {"unit", question.is_choice() ? "" : question.unit}});
  return all;
}

json as_json(const Course &course, const Step &step, const Judged &judged, const Evidence &evidence,
             const json &answered) {
  const Facts facts = evidence.facts();
  json findings = json::array();
  for (const Finding &finding : judged.findings)
    findings.push_back({{"ok", finding.is == Finding::Is::good}, {"text", finding.text}});
  json open = json::array(), questions = json::array();
  for (const Question *question : judged.open) {
    open.push_back(question->id);
    if (!judged.runs_hold) // they are about runs that aren't there yet
      continue;
    const auto &tries = course.of(step).tries;
    const auto before = tries.find(question->id);
    questions.push_back(question_json(*question,
                                      shuffled(*question, course.progress().salt,
                                               before == tries.end() ? 0 : before->second.size()),
                                      facts));
  }
  return {{"step", step.name},
          {"verdict", verdict_name(judged.verdict)},
          {"findings", findings},
          {"open", open},
          {"questions", questions},
          {"answered", answered},
          {"outcomes", judged.runs_hold ? outcomes(step, course.of(step), facts) : json::array()},
          {"table", judged.runs_hold ? as_text(table_of(step, evidence)) : ""}};
}

// Steps that were passed before are looked at again.
bool look_back(std::FILE *people, const Course &course, const Step &step) {
  bool all_hold = true;
  for (const Step &earlier : course.steps()) {
    const std::string why = earlier.number == step.number ? "" : course.broken_by(earlier);
    if (why.empty())
      continue;
    all_hold = false;
    fmt::print(people, "! step {} ({}) no longer holds: {}\n", earlier.number, earlier.name, why);
  }
  return all_hold;
}

Exit exit_of(Verdict verdict) {
  return verdict == Verdict::invalid   ? Exit::invalid
         : verdict == Verdict::not_yet ? Exit::fail
                                       : Exit::pass;
}

// A mark on its time axes, where a host is there.
void tell_the_page(const Places &places, const Step &step, const Judged &judged) {
  const auto host = cli::recorded_host(places, 0);
  if (!host)
    return;
  try {
    cli::HostApi(host->port)
        .mark(fmt::format("check, step {}: {}", step.number, verdict_name(judged.verdict)));
  } catch (const std::exception &) {
    return; // a check is worth no less without it
  }
}

Exit run(const Places &places, const Options &options) {
  std::FILE *people = options.json.to_output() ? stderr : stdout;
  Course course(places);
  const Step *current = course.current();
  if (options.step.empty() && current == nullptr) {
    fmt::print(people, "You are through: see scripts/lab next\n");
    options.json.write(json{{"step", nullptr}, {"verdict", verdict_name(Verdict::pass)}}.dump(2));
    return Exit::pass;
  }
  const Step &step = options.step.empty() ? *current : course.step(options.step);
  if (course.of(step).skipped) // a prediction or a run would change nothing
    throw cli::SetUpFailed(
        fmt::format("step {} is skipped: scripts/lab again {}", step.number, step.number));
  if (!course.on_route(step) && !step.predictions.empty() && course.of(step).predicted_ms == 0)
    throw cli::SetUpFailed( // `predict` asks only along the route
        fmt::format("step {} ({}) is not on the short route: scripts/lab next --minutes 45 leads "
                    "to it",
                    step.number, step.name));
  if (course.of(step).ended_ms == 0) // a longer route adds steps before one that is behind
    course.require_order(step);
  const auto given = parse_answers(options.answers, step.questions);
  course.change([&](Progress &progress) { ++progress.steps[step.name].checks; });

  fmt::print(people, "step {}, {}\n", step.number, step.title);
  const Evidence evidence = course.evidence(step);
  const Facts facts = evidence.facts();
  Judged judged = judge(step, course.of(step), evidence);
  print_findings(people, judged);
  json answered = json::array();
  if (judged.runs_hold) {
    fmt::print(people, "\n{}\n", as_text(table_of(step, evidence)));
    print_predictions(people, step, course.of(step), facts);
    if (!judged.open.empty() || !judged.reworded.empty()) {
      answered = ask_questions(people, course, step, judged, facts, given);
      judged = judge(step, course.of(step), evidence);
    }
    if (judged.open.empty() && (course.of(step).ended_ms == 0 || evidence.other))
      end(course, step, evidence, judged);
  }
  fmt::print(people, "\n{}\n", verdict_name(judged.verdict));
  if (!judged.runs_hold) {
    say_why_invalid(people, course, judged, evidence);
    print_what_to_run(people, course, step, judged);
  }
  fmt::print(people, "{}", course.mend(step));
  const bool all_hold = look_back(people, course, step);
  if (judged.open.empty() && judged.runs_hold)
    fmt::print(people, "next: scripts/lab next\n");
  tell_the_page(places, step, judged);
  options.json.write(as_json(course, step, judged, evidence, answered).dump(2));
  const Exit exit = exit_of(judged.verdict);
  return exit == Exit::pass && !all_hold ? Exit::fail : exit;
}

} // namespace

void add_check(CLI::App &lab, cli::Chosen &chosen) {
  CLI::App *command = lab.add_subcommand(
      "check", "The path: is this step done? status 0 pass, 1 not yet, 2 invalid");
  auto options = std::make_shared<Options>();
  command->add_option("STEP", options->step, "Its number or name; without it: where you are");
  command
      ->add_option("--answer", options->answers, "An answer without a dialogue; may be given again")
      ->option_text("ID=ANSWER")
      ->allow_extra_args(false);
  options->json.add_to(*command);
  command->callback([&chosen, options] {
    chosen.action = [options](const Places &places) { return run(places, *options); };
  });
}

} // namespace lab::path
