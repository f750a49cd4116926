// compare.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "loadtest/lab/bring_up.hpp"
#include "loadtest/lab/commands.hpp"
#include "loadtest/lab/comparison_run.hpp"
#include "loadtest/lab/hand_over.hpp"
#include "loadtest/lab/lesson.hpp"
#include "loadtest/lab/where_next.hpp"

namespace lab::cli {
namespace {

struct Options {
  std::vector<std::string> names;
  std::vector<std::string> profiles;
  std::vector<std::string> set;
  LoadOptions load;
  JsonOption json;
};

std::vector<Choice> strategies_of(const Options &options) {
  std::vector<Choice> strategies;
  for (const std::string &name : options.names.empty() ? lesson_strategies() : options.names)
    strategies.push_back({name});
  for (const auto &[name, params] : parse_settings_by_strategy(options.set)) {
    const auto strategy =
        std::find_if(strategies.begin(), strategies.end(),
                     [&wanted = name](const Choice &choice) { return choice.name == wanted; });
    if (strategy == strategies.end())
      throw SetUpFailed(
          fmt::format("--set {}.…: {} is not among the strategies compared", name, name));
    for (Choice &choice : strategies)
      if (choice.name == name)
        choice.params = params;
  }
  return strategies;
}

Exit run(const Places &places, const Options &options) {
  Comparison comparison{"lab compare", {}, strategies_of(options), options.load.seed};
  for (const std::string &name : options.profiles.empty() ? lesson_profiles() : options.profiles)
    comparison.profiles.push_back(options.load.apply(load::for_compare(profile_called(name))));
  Terminal terminal(options.json.to_output());
  const Running running = bring_up(places);
  hand_over_strategies(places);
  check_strategies(running.host(), comparison.strategies);
  const auto cells = comparison.cells();
  terminal.say(fmt::format("{} run{}, about {} s", cells.size(), cells.size() == 1 ? "" : "s",
                           estimated_time(cells).count()));
  const Exit exit = run_comparison(places, comparison, options.json, terminal);
  if (exit != Exit::interrupted)
    say_where_next(places, options.json, terminal);
  return exit;
}

} // namespace

void add_compare(CLI::App &lab, Chosen &chosen) {
  CLI::App *command = lab.add_subcommand(
      "compare", "Strategies side by side under the same load; without names: the four");
  auto options = std::make_shared<Options>();
  command->add_option("NAME", options->names, "Strategies");
  command->add_option("--profile", options->profiles, "A profile; may be given again")
      ->option_text("PROFILE")
      ->allow_extra_args(false);
  command->add_option("--set", options->set, "A setting of one of them; may be given again")
      ->option_text("NAME.SETTING=NUMBER")
      ->allow_extra_args(false);
  options->load.add_to(*command);
  options->json.add_to(*command);
  command->callback([&chosen, options] {
    chosen.action = [options](const Places &places) { return run(places, *options); };
  });
}

} // namespace lab::cli
