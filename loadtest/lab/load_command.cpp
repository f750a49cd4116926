// load.
#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "loadtest/comparison.hpp"
#include "loadtest/figures.hpp"
#include "loadtest/lab/bring_up.hpp"
#include "loadtest/lab/cells.hpp"
#include "loadtest/lab/commands.hpp"
#include "loadtest/lab/database.hpp"
#include "loadtest/lab/freeze.hpp"
#include "loadtest/lab/load_options.hpp"
#include "loadtest/lab/where_next.hpp"
#include "loadtest/run_folder.hpp"

namespace lab::cli {
namespace {

using nlohmann::json;

constexpr const char *freezing = "load --fault freeze"; // as who is refused hears it

struct Options {
  std::string profile;
  std::optional<std::string> fault; // "freeze"
  LoadOptions load;
  JsonOption json;
};

Exit exit_of(const json &summary) {
  const std::string verdict = summary.at("verdict");
  return verdict == "pass" ? Exit::pass : verdict == "fail" ? Exit::fail : Exit::invalid;
}

load::Fault freeze_in_the_middle(const load::Profile &profile, const Freezer &freezer) {
  load::Fault fault;
  fault.name = "freeze";
  load::place_in_the_middle(fault, profile);
  fault.work = [&freezer](load::Fault::Clock::time_point until, const std::stop_token &stop) {
    freezer.freeze(until, stop);
  };
  return fault;
}

Exit run(const Places &places, const Options &options) {
  const load::Profile profile = options.load.apply(profile_called(options.profile));
  if (options.fault) // before anything is started
    (void)own_postgres(places, freezing);
  bring_up(places);
  Terminal terminal(options.json.to_output());
  const Interrupt interrupt;
  std::optional<Freezer> freezer;
  if (options.fault)
    freezer.emplace(places, freezing);
  CellRunner runner(places, "lab load " + profile.name, terminal, interrupt);
  Cell cell{profile, std::nullopt};
  if (freezer) {
    cell.fault = freeze_in_the_middle(profile, *freezer);
    const std::chrono::duration<double> time = cell.fault->length;
    terminal.say(fmt::format("PostgreSQL is frozen for {} s in the middle",
                             load::shown(load::rounded(time.count()))));
  }
  load::RunResult result;
  try {
    result = runner.run_once(cell, options.load.seed, profile.name);
  } catch (const Interrupted &) {
    return Exit::interrupted;
  }
  const auto folder = load::write_run(places.runs(), result);
  terminal.say(result_line(result.summary));
  for (const std::string &sentence : load::comparison_sentences({result.summary}))
    terminal.say(sentence);
  terminal.say("recorded in " + folder.string());
  options.json.write(result.summary.dump(2));
  if (interrupt.came())
    return Exit::interrupted;
  say_where_next(places, options.json, terminal);
  return exit_of(result.summary);
}

} // namespace

void add_load(CLI::App &lab, Chosen &chosen) {
  CLI::App *command = lab.add_subcommand(
      "load", "One load on the strategy in use; status 0 pass, 1 fail, 2 invalid");
  auto options = std::make_shared<Options>();
  std::string profiles;
  for (const std::string &name : load::profile_names())
    profiles += (profiles.empty() ? "" : ", ") + name;
  command->add_option("PROFILE", options->profile, profiles)->required();
  options->load.add_to(*command);
  command
      ->add_option("--fault", options->fault,
                   "Freeze the lab's own PostgreSQL in the middle third of the measured time")
      ->check(CLI::IsMember({"freeze"}))
      ->option_text("freeze");
  options->json.add_to(*command);
  command->callback([&chosen, options] {
    chosen.action = [options](const Places &places) { return run(places, *options); };
  });
}

} // namespace lab::cli
