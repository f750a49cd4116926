// `lab` without a subcommand: starts all, runs the four strategies under the
// same loads, prints what happened and why, and leaves the lab up.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "loadtest/lab/bring_up.hpp"
#include "loadtest/lab/commands.hpp"
#include "loadtest/lab/comparison_run.hpp"
#include "loadtest/lab/lesson.hpp"
#include "loadtest/lab/named_profiles.hpp"

namespace lab::cli {
namespace {

struct Options {
  Wanted wanted;
  JsonOption json;
};

Exit run(const Places &places, const Options &options) {
  Terminal terminal(options.json.to_output());
  terminal.progress("starting PostgreSQL, agent and host");
  const Running running = bring_up(places, options.wanted);
  Comparison comparison{"lab", {}, {}, LoadOptions{}.seed};
  for (const std::string &name : lesson_profiles())
    comparison.profiles.push_back(load::for_compare(profile_called(places, name)));
  for (const std::string &name : lesson_strategies())
    comparison.strategies.push_back({name});
  const auto cells = comparison.cells();
  terminal.say(fmt::format("the lab is up: {}", running.host().url()));
  terminal.say(fmt::format("{} strategies under {} loads: {} runs, about {} s. Ctrl-C keeps those "
                           "that are finished.",
                           comparison.strategies.size(), comparison.profiles.size(), cells.size(),
                           estimated_time(cells).count()));
  const Exit exit = run_comparison(places, comparison, options.json, terminal);
  terminal.say(fmt::format("the lab stays up: {}. Next: scripts/lab next leads along the learner's "
                           "path; scripts/lab down stops all",
                           running.host().url()));
  return exit;
}

} // namespace

void add_main_job(CLI::App &lab, Chosen &chosen) {
  auto options = std::make_shared<Options>();
  options->wanted.add_to(lab);
  options->json.add_to(lab);
  lab.callback([&lab, &chosen, options] {
    if (lab.get_subcommands().empty())
      chosen.action = [options](const Places &places) { return run(places, *options); };
  });
}

} // namespace lab::cli
