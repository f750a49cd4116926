// compare.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "loadtest/comparison.hpp"
#include "loadtest/lab/bring_up.hpp"
#include "loadtest/lab/commands.hpp"
#include "loadtest/lab/comparison_run.hpp"
#include "loadtest/lab/hand_over.hpp"
#include "loadtest/lab/lesson.hpp"
#include "loadtest/lab/named_profiles.hpp"
#include "loadtest/lab/where_next.hpp"
#include "loadtest/run_folder.hpp"
#include "loadtest/two_runs.hpp"

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

// Where a run of that name or folder is recorded; nothing when there is none.
std::optional<std::filesystem::path> recorded_run(const Places &places, const std::string &name) {
  for (const std::filesystem::path &folder : {std::filesystem::path(name), places.runs() / name}) {
    std::error_code absent;
    if (std::filesystem::exists(folder / "summary.json", absent))
      return folder;
  }
  return std::nullopt;
}

// Runs that are recorded need no lab.
Exit compare_recorded(const std::filesystem::path &a, const std::filesystem::path &b,
                      const Options &options) {
  Terminal terminal(options.json.to_output());
  const nlohmann::json compared = load::compare_runs(load::read_run(a), load::read_run(b));
  std::string text = load::two_runs_text(compared, load::style_for(::fileno(terminal.people())));
  text.pop_back();
  terminal.say(text);
  terminal.say("One run each can't tell a difference from chance: scripts/lab matrix --full can.");
  options.json.write(compared.dump(2));
  return Exit::pass;
}

Exit run(const Places &places, const Options &options) {
  if (options.names.size() == 2) {
    const auto a = recorded_run(places, options.names[0]),
               b = recorded_run(places, options.names[1]);
    if (a && b)
      return compare_recorded(*a, *b, options);
  }
  Comparison comparison{"lab compare", {}, strategies_of(options), options.load.seed};
  for (const std::string &name : options.profiles.empty() ? lesson_profiles() : options.profiles)
    comparison.profiles.push_back(
        options.load.apply(load::for_compare(profile_called(places, name))));
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
      "compare",
      "Strategies side by side under the same load; without names: the four. Two recorded "
      "runs: those");
  auto options = std::make_shared<Options>();
  command->add_option("NAME", options->names,
                      "Strategies; or two runs, by their folders or their names in .lab/runs");
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
