// hint, again, skip, solve: the other things one does with a step.
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "loadtest/lab/files.hpp"
#include "loadtest/lab/load_options.hpp"
#include "loadtest/lab/path/commands.hpp"
#include "loadtest/lab/path/course.hpp"
#include "loadtest/lab/path/dialogue.hpp"

namespace lab::path {
namespace {

using cli::Exit;
using cli::Places;
using nlohmann::json;

const Step &step_or_current(const Course &course, const std::string &wanted) {
  if (!wanted.empty())
    return course.step(wanted);
  const Step *current = course.current();
  if (current == nullptr)
    throw cli::SetUpFailed("you are through: name a step, or see scripts/lab next");
  return *current;
}

Exit hint(const Places &places, const std::string &wanted) {
  Course course(places);
  const Step &step = step_or_current(course, wanted);
  const int levels = static_cast<int>(step.hints.size());
  const int level = std::min(course.of(step).hints + 1, levels);
  course.change([&](Progress &progress) { progress.steps[step.name].hints = level; });
  for (int i = 0; i < level; ++i)
    fmt::print("{} of {}: {}\n", i + 1, levels, step.hints[static_cast<std::size_t>(i)]);
  fmt::print("{}", level < levels ? "more: scripts/lab hint\n"
                                  : fmt::format("all of it: docs/path/{}.md; and scripts/lab solve "
                                                "{} shows the solution\n",
                                                step.stem(), step.number));
  return Exit::pass;
}

Exit again(const Places &places, const std::string &wanted) {
  Course course(places);
  const Step &step = course.step(wanted);
  course.change([&](Progress &progress) {
    StepProgress &done = progress.steps[step.name];
    if (!done.runs.empty()) // it had stood: what is skipped otherwise keeps none
      done.skipped = false;
    auto earlier = std::move(done.earlier);
    done.earlier.clear();
    Progress alone;
    alone.steps[step.name] = done;
    json before = to_json(alone).at("steps").at(step.name);
    before.erase("runs"); // the runs themselves stay in .lab/runs
    earlier.push_back(before);
    done = {};
    done.begun_ms = now_ms();
    done.earlier = std::move(earlier);
    progress.pace = 1; // the machine may be free by now
  });
  fmt::print("step {} ({}) begins anew; what you did of it before is kept in the report. Next: "
             "scripts/lab next\n",
             step.number, step.name);
  return Exit::pass;
}

Exit skip(const Places &places, const std::string &wanted) {
  Course course(places);
  const Step &step = course.step(wanted);
  const Standing standing = course.standing(step);
  if (standing == Standing::passed || standing == Standing::unproven) {
    fmt::print("step {} ({}) is {} already\n", step.number, step.name, standing_name(standing));
    return Exit::pass;
  }
  course.change([&](Progress &progress) {
    StepProgress &done = progress.steps[step.name];
    done.begun_ms = done.begun_ms == 0 ? now_ms() : done.begun_ms;
    done.ended_ms = done.ended_ms == 0 ? now_ms() : done.ended_ms; // it may have stood
    done.skipped = true;
  });
  fmt::print("step {} ({}) is skipped; scripts/lab again {} brings it back. Next: scripts/lab "
             "next\n",
             step.number, step.name, step.number);
  return Exit::pass;
}

struct Solve {
  std::string step;
  cli::JsonOption json;
};

// The answers as `check --answer` takes them now.
json answers_of(const Course &course, const Step &step, const Facts &facts) {
  json answers = json::object();
  for (const Question &question : step.questions) {
    const auto tries = course.of(step).tries.find(question.id);
    const auto options = shuffled(question, course.progress().salt,
                                  tries == course.of(step).tries.end() ? 0 : tries->second.size());
    std::string answer = right_answer(question, facts);
    for (std::size_t i = 0; i < options.size(); ++i)
      if (options[i].right)
        answer = std::string(1, static_cast<char>('a' + i));
    answers[question.id] = answer;
  }
  return answers;
}

Exit solve(const Places &places, const Solve &options) {
  Course course(places);
  const Step &step = step_or_current(course, options.step);
  course.change([&](Progress &progress) { progress.steps[step.name].solution_shown = true; });
  const Facts facts = course.evidence(step).facts();
  const auto file = places.path_solutions() / (step.stem() + ".md");
  if (!options.json.to_output()) {
    fmt::print("{}\n", cli::text_of_file(file).value_or(
                           fmt::format("({} is not there: run scripts/lab up)", file.string())));
    fmt::print("The answers, numbers from your own runs (? before they are there):\n");
    for (const Question &question : step.questions)
      fmt::print("  {}: {}{}\n", question.id, right_answer(question, facts),
                 question.is_choice() || question.unit.empty() ? "" : " " + question.unit);
    fmt::print("\nThe report says that you looked here.\n");
  }
  options.json.write(
      json{{"step", step.name}, {"answers", answers_of(course, step, facts)}}.dump(2));
  return Exit::pass;
}

// A command with a step as its only argument.
void add(CLI::App &lab, cli::Chosen &chosen, const char *name, const char *help, bool required,
         Exit (*work)(const Places &, const std::string &)) {
  CLI::App *command = lab.add_subcommand(name, help);
  auto step = std::make_shared<std::string>();
  auto *option = command->add_option("STEP", *step, "Its number or name");
  if (required)
    option->required();
  command->callback([&chosen, step, work] {
    chosen.action = [step, work](const Places &places) { return work(places, *step); };
  });
}

} // namespace

void add_hint(CLI::App &lab, cli::Chosen &chosen) {
  add(lab, chosen, "hint", "The path: a hint, each time a plainer one (three levels)", false, hint);
}

void add_again(CLI::App &lab, cli::Chosen &chosen) {
  add(lab, chosen, "again", "The path: begin a step anew", true, again);
}

void add_skip(CLI::App &lab, cli::Chosen &chosen) {
  add(lab, chosen, "skip", "The path: leave a step out", true, skip);
}

void add_solve(CLI::App &lab, cli::Chosen &chosen) {
  CLI::App *command = lab.add_subcommand(
      "solve", "The path: the solution of a step, for those who teach; the report says so");
  auto options = std::make_shared<Solve>();
  command->add_option("STEP", options->step, "Its number or name; without it: where you are");
  options->json.add_to(*command);
  command->callback([&chosen, options] {
    chosen.action = [options](const Places &places) { return solve(places, *options); };
  });
}

} // namespace lab::path
