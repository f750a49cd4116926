// matrix.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "loadtest/lab/bring_up.hpp"
#include "loadtest/lab/commands.hpp"
#include "loadtest/lab/comparison_run.hpp"
#include "loadtest/lab/hand_over.hpp"
#include "loadtest/lab/lesson.hpp"
#include "loadtest/lab/load_options.hpp"
#include "loadtest/lab/matrix/arms.hpp"
#include "loadtest/lab/matrix/matrix_report.hpp"
#include "loadtest/lab/matrix/matrix_run.hpp"
#include "loadtest/lab/named_profiles.hpp"
#include "loadtest/matrix/analysis.hpp"
#include "loadtest/matrix/paired.hpp"
#include "loadtest/matrix/table.hpp"

namespace lab::cli {
namespace {

using matrix::Folder;

// Enough to find a 10 % difference in three of four cases (paired_test.cpp).
constexpr int blocks_of_a_full_one = 12;

struct Options {
  std::vector<std::string> names;
  std::vector<std::string> others; // Google Benchmark's
  std::vector<std::string> profiles;
  bool full = false;
  std::optional<int> blocks;
  int handicap = 0;                  // percent; 0: none
  std::optional<std::string> resume; // "": the newest
  std::optional<std::string> show;
  LoadOptions load;
  JsonOption json;
};

matrix::Design design_of(const Places &places, const Options &options) {
  matrix::Design design;
  for (const std::string &name : options.profiles.empty() ? lesson_profiles() : options.profiles)
    design.profiles.push_back(options.load.apply(load::for_compare(profile_called(places, name))));
  design.arms =
      arms_of(options.names.empty() ? lesson_strategies() : options.names, options.handicap);
  design.blocks = options.blocks.value_or(options.full ? blocks_of_a_full_one : 1);
  design.seed = options.load.seed;
  try {
    matrix::check(design);
  } catch (const std::invalid_argument &e) {
    throw SetUpFailed(options.handicap > 0
                          ? fmt::format("{}; --handicap 10 --profile hold works", e.what())
                          : std::string(e.what()));
  }
  return design;
}

std::vector<Choice> strategies_of(const matrix::Design &design) {
  std::vector<Choice> all;
  for (const matrix::Arm &arm : design.arms)
    all.push_back({arm.strategy, arm.params});
  return all;
}

std::chrono::seconds estimated(const Folder &folder) {
  std::vector<Cell> cells;
  for (std::size_t i = 0; i < folder.cells().size(); ++i)
    if (!folder.summaries()[i])
      cells.push_back({folder.design().profiles[folder.cells()[i].profile], std::nullopt});
  return estimated_time(cells);
}

void say_what_comes(const Folder &folder, Terminal &terminal) {
  const matrix::Design &design = folder.design();
  terminal.say(fmt::format(
      "{} strategies x {} profile{} x {} block{}: {} runs, {} left, about {} s. "
      "Ctrl-C keeps what is finished; scripts/lab matrix --resume goes on.",
      design.arms.size(), design.profiles.size(), design.profiles.size() == 1 ? "" : "s",
      design.blocks, design.blocks == 1 ? "" : "s", folder.cells().size(), folder.left(),
      estimated(folder).count()));
}

// That are looked at together, of any profile; at least 1.
std::size_t most_pairs(const nlohmann::json &analysis) {
  std::size_t most = 1;
  for (const nlohmann::json &profile : analysis.at("profiles"))
    most = std::max(most, profile.at("pairs").size());
  return most;
}

void report_on(const Places &places, const Folder &folder, const JsonOption &json,
               Terminal &terminal) {
  nlohmann::json analysis = matrix::analyse(folder.design(), folder.finished());
  analysis["matrix"] = folder.path().string();
  analysis["left"] = folder.left();
  folder.write_analysis(analysis);
  terminal.say("");
  std::string text = matrix::table(analysis);
  text.pop_back();
  terminal.say(text);
  const auto enough = static_cast<int>(matrix::fewest_blocks(most_pairs(analysis)));
  if (folder.design().blocks < enough)
    terminal.say(fmt::format(
        "So few blocks describe, and can't tell a difference from chance: "
        "for {} it takes {}, and scripts/lab matrix --full runs {}.",
        most_pairs(analysis) < 2 ? "one pair" : fmt::format("{} pairs", most_pairs(analysis)),
        enough, blocks_of_a_full_one));
  if (folder.left() > 0)
    terminal.say(fmt::format("{} of {} runs are left: scripts/lab matrix --resume {}",
                             folder.left(), folder.cells().size(), folder.name()));
  terminal.say("recorded in " + folder.path().string());
  terminal.say("report: " + write_matrix_report(places, folder).html.string());
  json.write(analysis.dump(2));
}

// The lab is up, and has these strategies.
void bring_up_for(const Places &places, const matrix::Design &design) {
  const Running running = bring_up(places);
  hand_over_strategies(places);
  check_strategies(running.host(), strategies_of(design));
}

// Begun, or opened, once no other load can run beside it.
Exit run_matrix(const Places &places, const std::function<Folder()> &begin_or_open,
                const Options &options, const BenchmarkOptions &benchmark, Terminal &terminal) {
  const Interrupt interrupt;
  std::optional<CellRunner> runner(std::in_place, places, "lab matrix", terminal, interrupt);
  Folder folder = begin_or_open();
  say_what_comes(folder, terminal);
  const std::size_t left = folder.left();
  Exit exit = Exit::pass;
  try {
    if (!run_cells(folder, *runner, benchmark, terminal, interrupt))
      exit = Exit::invalid;
  } catch (const Interrupted &) {
    terminal.say("interrupted: the runs that are finished are kept");
    exit = Exit::interrupted;
  } catch (...) { // what is finished is told, whatever ended it
    runner.reset();
    if (folder.left() < left)
      report_on(places, folder, options.json, terminal);
    else if (left == folder.cells().size()) { // nothing is in it, and the newest is another
      std::error_code ignored;                // what ended it is what must be told
      std::filesystem::remove_all(folder.path(), ignored);
    }
    throw;
  }
  runner.reset(); // others may load again
  report_on(places, folder, options.json, terminal);
  return exit;
}

Exit run(const Places &places, Options options) {
  const BenchmarkOptions benchmark(options.others);
  if (benchmark.blocks())
    options.blocks = benchmark.blocks();
  if (options.show) {
    Terminal terminal(options.json.to_output());
    report_on(places, matrix_called(places, *options.show), options.json, terminal);
    return Exit::pass;
  }
  if (benchmark.lists()) {
    list_cells(options.resume ? matrix_called(places, *options.resume).design()
                              : design_of(places, options));
    return Exit::pass;
  }
  Terminal terminal(options.json.to_output() || benchmark.prints());
  if (options.resume) {
    const auto path = matrix_called(places, *options.resume).path();
    bring_up_for(places, Folder::open(path).design());
    return run_matrix(
        places,
        [&] {
          Folder folder = Folder::open(path);
          if (const std::size_t old = folder.forget_torn(std::chrono::system_clock::now()); old > 0)
            terminal.say(fmt::format("{} of a block that was ended midway {} run anew: what a "
                                     "machine gives drifts, and they are more than {} min old",
                                     old == 1 ? "1 run" : fmt::format("{} runs", old),
                                     old == 1 ? "is" : "are", Folder::longest_pause.count()));
          return folder;
        },
        options, benchmark, terminal);
  }
  const matrix::Design design = design_of(places, options);
  bring_up_for(places, design);
  return run_matrix(
      places,
      [&] {
        matrix::prune(places.matrices());
        return Folder::begin(places.matrices(), design, std::chrono::system_clock::now());
      },
      options, benchmark, terminal);
}

} // namespace

void add_matrix(CLI::App &lab, Chosen &chosen) {
  CLI::App *command = lab.add_subcommand(
      "matrix", "Strategies under several loads, in blocks, and what may be said of them; "
                "options that begin with --benchmark_ are Google Benchmark's");
  command->allow_extras();
  auto options = std::make_shared<Options>();
  command->add_option("NAME", options->names,
                      "Strategies, also NAME:SETTING=NUMBER,...; without: the four. The first one, "
                      "or bounded_timeout, has a twin, to show what chance does");
  command->add_option("--profile", options->profiles, "A profile; may be given again")
      ->option_text("PROFILE")
      ->allow_extra_args(false);
  CLI::Option *full = command->add_flag(
      "--full", options->full, fmt::format("{} blocks instead of one", blocks_of_a_full_one));
  command->add_option("--blocks", options->blocks, "That many blocks")
      ->check(CLI::Range(1, matrix::max_blocks))
      ->option_text("N")
      ->excludes(full);
  command
      ->add_option("--handicap", options->handicap,
                   "The twin holds its connections longer by so many percent: is that found?")
      ->check(CLI::Range(1, 100))
      ->option_text("PERCENT");
  command->add_option("--resume", options->resume, "Go on with one; without a name the newest")
      ->expected(0, 1)
      ->option_text("[MATRIX]");
  command->add_option("--show", options->show, "Only tell of one; without a name the newest")
      ->expected(0, 1)
      ->option_text("[MATRIX]");
  options->load.add_to(*command);
  options->json.add_to(*command);
  command->callback([command, &chosen, options] {
    options->others = command->remaining();
    chosen.action = [options](const Places &places) { return run(places, *options); };
  });
}

} // namespace lab::cli
