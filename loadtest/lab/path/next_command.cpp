// next: what to do now.
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "loadtest/lab/database.hpp"
#include "loadtest/lab/load_options.hpp"
#include "loadtest/lab/path/commands.hpp"
#include "loadtest/lab/path/course.hpp"
#include "loadtest/lab/path/dialogue.hpp"
#include "loadtest/lab/path/told.hpp"
#include "loadtest/lab/state.hpp"
#include "loadtest/lab/status_report.hpp"

namespace lab::path {
namespace {

using cli::Exit;
using cli::Places;
using nlohmann::json;

struct Options {
  std::optional<int> minutes;
  std::optional<bool> fast;
  std::optional<std::string> learner;
  cli::JsonOption json;
};

void apply(const Options &options, Course &course) {
  course.change([&](Progress &progress) {
    progress.minutes = options.minutes.value_or(progress.minutes);
    progress.fast = options.fast.value_or(progress.fast);
    progress.learner = options.learner.value_or(progress.learner);
  });
  course.change([&](Progress &progress) { // on the route that was just chosen
    if (const Step *step = course.current()) {
      StepProgress &done = progress.steps[step->name];
      done.begun_ms = done.begun_ms == 0 ? now_ms() : done.begun_ms;
    }
  });
}

void print_end(const Course &course) {
  fmt::print("You are through: all {} steps are behind you.\n\n", course.route().size());
  for (const Step *step : course.route())
    fmt::print("  {} {:<16} {}\n", step->number, step->name, standing_name(course.standing(*step)));
  fmt::print(
      "\nyour report     scripts/lab report\n"
      "{}"
      "what comes next docs/write-your-own.md: a strategy of your own; scripts/lab compare\n",
      course.route().size() < course.steps().size()
          ? "the other steps scripts/lab next --minutes 45\n"
          : "");
}

// What stands in the way of working at all; "" when nothing does.
std::string trouble(const Places &places, const Step &step) {
  if (!cli::status_report(places).at("up").get<bool>())
    return "the lab is not up: scripts/lab up";
  if (step.on_one_host() && cli::StateFile(places.state()).read().hosts > 1)
    return "two servers run, and this step is about one: scripts/lab up --hosts 1";
  if (step.own_database && !cli::StateFile(places.state()).read().database.empty())
    return fmt::format("this step needs the lab's own PostgreSQL: scripts/lab up --database {}, "
                       "or scripts/lab skip {}",
                       cli::own_database, step.number);
  return "";
}

// One command may make several runs: it is done when all of them are there.
bool is_done(const Step &step, const StepProgress &done, const Evidence &evidence,
             const PlannedRun &run) {
  const PlannedRun &bringing = step.brings(run);
  return done.predicted_ms != 0 &&
         std::all_of(step.runs.begin(), step.runs.end(), [&](const PlannedRun &one) {
           return &step.brings(one) != &bringing || evidence.runs.contains(one.name);
         });
}

void print_step(const Places &places, const Course &course, const Step &step) {
  const StepProgress &done = course.of(step);
  const auto route = course.route();
  std::size_t place = 1;
  while (route[place - 1] != &step)
    ++place;
  fmt::print("Step {}, {} ({} of {}, about {} minutes)\n{}\n\n", step.number, step.title, place,
             route.size(), step.minutes, step.now);
  if (const auto broken = course.mend(step); !broken.empty())
    fmt::print("{}\n", broken);
  if (const auto why = trouble(places, step); !why.empty())
    fmt::print("first      {}\n", why);
  fmt::print("read       docs/path/{}.md\n", step.stem());
  if (const auto note = pace_note(step, course.progress().pace); !note.empty())
    fmt::print("           {}\n", note);
  const bool predicted = done.predicted_ms != 0;
  fmt::print("{} predict  {}\n", predicted ? "[x]" : "[ ]",
             predicted ? "locked" : "scripts/lab predict");
  const Evidence evidence = course.evidence(step);
  for (const PlannedRun &run : step.runs) {
    const char *box = is_done(step, done, evidence, run) ? "[x]" : "[ ]";
    if (!run.edit.empty())
      fmt::print("    edit     {}\n", run.edit);
    for (const std::string &command : commands_for(run, course.progress())) {
      fmt::print("{} run      {}\n", box, command);
      box = "   ";
    }
  }
  fmt::print("[ ] check    scripts/lab check\n\nstuck?     scripts/lab hint\n");
}

json as_json(const Course &course) {
  const Step *step = course.current();
  json all = {{"minutes", course.progress().minutes},
              {"fast", course.progress().fast},
              {"pace", course.progress().pace},
              {"step", nullptr},
              {"steps", json::array()}};
  for (const Step *one : course.route())
    all["steps"].push_back({{"number", one->number},
                            {"name", one->name},
                            {"standing", standing_name(course.standing(*one))}});
  if (step == nullptr)
    return all;
  const StepProgress &done = course.of(*step);
  const Evidence evidence = course.evidence(*step);
  json runs = json::array(), predictions = json::array();
  const auto levels = static_cast<int>(step->hints.size());
  const std::vector<std::string> hints(step->hints.begin(),
                                       step->hints.begin() + std::clamp(done.hints, 0, levels));
  for (const PlannedRun &run : step->runs)
    runs.push_back({{"name", run.name},
                    {"what", run.what},
                    {"edit", run.edit},
                    {"commands", commands_for(run, course.progress())},
                    {"done", is_done(*step, done, evidence, run)}});
  for (const Question &question : step->predictions) {
    json one = question_json(question, shuffled(question, course.progress().salt, 0), Facts());
    const auto said = done.predictions.find(question.id);
    one["said"] = said == done.predictions.end() ? json() : json(question.said(said->second));
    predictions.push_back(std::move(one));
  }
  all["step"] = {{"number", step->number},
                 {"name", step->name},
                 {"title", step->title},
                 {"now", step->now},
                 {"minutes", step->minutes},
                 {"standing", standing_name(course.standing(*step))},
                 {"predicted", done.predicted_ms != 0},
                 {"predictions", predictions},
                 {"runs", runs},
                 {"hints", hints},
                 {"hint_levels", step->hints.size()}};
  return all;
}

Exit run(const Places &places, const Options &options) {
  Course course(places);
  apply(options, course);
  if (options.fast) // all commands are others now
    course = Course(places);
  if (!options.json.to_output()) {
    if (const Step *step = course.current())
      print_step(places, course, *step);
    else
      print_end(course);
  }
  options.json.write(as_json(course).dump(2));
  return Exit::pass;
}

} // namespace

void add_next(CLI::App &lab, cli::Chosen &chosen) {
  CLI::App *command = lab.add_subcommand("next", "The learner's path: what to do now");
  auto options = std::make_shared<Options>();
  command->add_option("--minutes", options->minutes, "How much time there is: 15 takes three steps")
      ->check(CLI::IsMember({15, 45}))
      ->option_text("15|45");
  command->add_flag("--fast,!--no-fast", options->fast, "Runs of 5 s, for who shows it to others");
  command->add_option("--name", options->learner, "Your name, for the report")->option_text("NAME");
  options->json.add_to(*command);
  command->callback([&chosen, options] {
    chosen.action = [options](const Places &places) { return run(places, *options); };
  });
}

} // namespace lab::path
