// predict: what the learner expects, locked before the run.
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "loadtest/lab/path/commands.hpp"
#include "loadtest/lab/path/course.hpp"
#include "loadtest/lab/path/dialogue.hpp"

namespace lab::path {
namespace {

using cli::Exit;
using cli::Places;

void print_locked(const Step &step, const StepProgress &done) {
  for (const Question &question : step.predictions)
    if (const auto said = done.predictions.find(question.id); said != done.predictions.end())
      fmt::print("  {}: {}{}\n", question.id, question.said(said->second),
                 question.is_choice() || question.unit.empty() ? "" : " " + question.unit);
}

// A lock is kept, whoever made it: the page or another terminal may have been first.
Exit already_locked(const Course &course, const Step &step, const std::vector<std::string> &given) {
  if (!given.empty())
    throw cli::SetUpFailed(fmt::format("the prediction of step {} is locked; scripts/lab again "
                                       "{} begins the step anew",
                                       step.number, step.number));
  fmt::print("step {}, {}: your prediction is locked\n", step.number, step.title);
  print_locked(step, course.of(step));
  return Exit::pass;
}

void print_questions(const Step &step, std::uint64_t salt) {
  for (const Question &question : step.predictions)
    fmt::print("\n{}", shown_question(question, shuffled(question, salt, 0), Facts()));
  std::string example;
  for (const Question &question : step.predictions)
    example += fmt::format(" --answer {}={}", question.id, question.is_choice() ? "b" : "12");
  fmt::print("\nAnswer on a terminal, or like this: scripts/lab predict{}\n", example);
}

Exit run(const Places &places, const std::vector<std::string> &given) {
  Course course(places);
  const Step *step = course.current();
  if (step == nullptr) {
    fmt::print("You are through: there is nothing left to predict. See scripts/lab next\n");
    return Exit::pass;
  }
  if (course.of(*step).predicted_ms != 0)
    return already_locked(course, *step, given);
  const auto answers = parse_answers(given, step->predictions);
  course.change([](Progress &) {}); // so that there is a salt
  const std::uint64_t salt = course.progress().salt;
  fmt::print("step {}, {}: what do you expect? Nobody marks it; it stands beside the outcome "
             "afterwards.\n",
             step->number, step->title);
  if (answers.empty() && !somebody_is_there()) {
    print_questions(*step, salt);
    return Exit::fail;
  }
  std::map<std::string, std::string> predictions;
  for (const Question &question : step->predictions) {
    const auto options = shuffled(question, salt, 0);
    const auto answer = answers.find(question.id);
    if (answer != answers.end()) {
      const Typed typed = understood(question, options, answer->second);
      if (!typed.answer)
        throw cli::SetUpFailed(typed.problem);
      predictions[question.id] = *typed.answer;
    } else if (somebody_is_there()) {
      const auto typed = ask(question, options, Facts());
      if (!typed) {
        fmt::print("nothing is locked\n");
        return Exit::fail;
      }
      predictions[question.id] = *typed;
    } else {
      throw cli::SetUpFailed(
          fmt::format("--answer {}=... is missing: all are locked together", question.id));
    }
  }
  bool locked_meanwhile = false;
  course.change([&](Progress &progress) {
    StepProgress &done = progress.steps[step->name];
    locked_meanwhile = done.predicted_ms != 0;
    if (locked_meanwhile)
      return;
    done.begun_ms = done.begun_ms == 0 ? now_ms() : done.begun_ms;
    done.predictions = predictions;
    done.predicted_ms = now_ms();
  });
  if (locked_meanwhile)
    return already_locked(course, *step, given);
  fmt::print("locked. Now run:\n");
  for (const PlannedRun &planned : step->runs) {
    if (!planned.edit.empty())
      fmt::print("  ({})\n", planned.edit);
    for (const std::string &command : commands_for(planned, course.progress()))
      fmt::print("  {}\n", command);
  }
  fmt::print("  scripts/lab check\n");
  return Exit::pass;
}

} // namespace

void add_predict(CLI::App &lab, cli::Chosen &chosen) {
  CLI::App *command =
      lab.add_subcommand("predict", "The path: say what you expect; locked before the run");
  auto given = std::make_shared<std::vector<std::string>>();
  command->add_option("--answer", *given, "An answer without a dialogue; may be given again")
      ->option_text("ID=ANSWER")
      ->allow_extra_args(false);
  command->callback([&chosen, given] {
    chosen.action = [given](const Places &places) { return run(places, *given); };
  });
}

} // namespace lab::path
