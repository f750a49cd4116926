// load.
#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "loadtest/comparison.hpp"
#include "loadtest/figures.hpp"
#include "loadtest/lab/bring_up.hpp"
#include "loadtest/lab/cells.hpp"
#include "loadtest/lab/commands.hpp"
#include "loadtest/lab/database.hpp"
#include "loadtest/lab/faults/in_a_run.hpp"
#include "loadtest/lab/load_options.hpp"
#include "loadtest/lab/named_profiles.hpp"
#include "loadtest/lab/where_next.hpp"
#include "loadtest/run_folder.hpp"

namespace lab::cli {
namespace {

using nlohmann::json;

struct Options {
  std::string profile;
  std::optional<std::string> fault; // the name of its kind
  LoadOptions load;
  JsonOption json;
};

std::vector<std::string> fault_names() {
  std::vector<std::string> names;
  for (const FaultKind &kind : fault_kinds())
    names.push_back(kind.name);
  return names;
}

Exit exit_of(const json &summary) {
  const std::string verdict = summary.at("verdict");
  return verdict == "pass" ? Exit::pass : verdict == "fail" ? Exit::fail : Exit::invalid;
}

Exit run(const Places &places, const Options &options) {
  const load::Profile profile = options.load.apply(profile_called(places, options.profile));
  const FaultKind *const kind = options.fault ? &fault_named(*options.fault) : nullptr;
  if (kind && kind->on_postgres) // before anything is started
    (void)own_postgres(places, "load --fault " + kind->name);
  bring_up(places);
  Terminal terminal(options.json.to_output());
  const Interrupt interrupt;
  std::optional<FaultPlace> place;
  if (kind)
    place.emplace(places, kind->name);
  CellRunner runner(places, "lab load " + profile.name, terminal, interrupt);
  Cell cell{profile, std::nullopt};
  if (place) {
    cell.fault = fault_in_the_middle(places, profile, *kind, *place);
    const std::chrono::duration<double> time = cell.fault->length;
    terminal.say(fmt::format("{} for {} s in the middle", kind->what(usual_amount(*kind)),
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
  command->add_option("PROFILE", options->profile, profiles + ", one of my/profiles, or a file")
      ->required();
  options->load.add_to(*command);
  command
      ->add_option("--fault", options->fault,
                   fmt::format("Do that in the middle third of the measured time: {}",
                               fmt::join(fault_names(), ", ")))
      ->check(CLI::IsMember(fault_names()))
      ->option_text("NAME");
  options->json.add_to(*command);
  command->callback([&chosen, options] {
    chosen.action = [options](const Places &places) { return run(places, *options); };
  });
}

} // namespace lab::cli
