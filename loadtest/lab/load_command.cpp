// load.
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "loadtest/comparison.hpp"
#include "loadtest/lab/bring_up.hpp"
#include "loadtest/lab/cells.hpp"
#include "loadtest/lab/commands.hpp"
#include "loadtest/lab/load_options.hpp"
#include "loadtest/run_folder.hpp"

namespace lab::cli {
namespace {

using nlohmann::json;

struct Options {
  std::string profile;
  LoadOptions load;
  JsonOption json;
};

Exit exit_of(const json &summary) {
  const std::string verdict = summary.at("verdict");
  return verdict == "pass" ? Exit::pass : verdict == "fail" ? Exit::fail : Exit::invalid;
}

Exit run(const Places &places, const Options &options) {
  const load::Profile profile = options.load.apply(profile_called(options.profile));
  bring_up(places);
  Terminal terminal(options.json.to_output());
  const Interrupt interrupt;
  CellRunner runner(places, "lab load " + profile.name, terminal, interrupt);
  load::RunResult result;
  try {
    result = runner.run_once({profile, std::nullopt}, options.load.seed, profile.name);
  } catch (const Interrupted &) {
    return Exit::interrupted;
  }
  const auto folder = load::write_run(places.runs(), result);
  terminal.say(result_line(result.summary));
  for (const std::string &sentence : load::comparison_sentences({result.summary}))
    terminal.say(sentence);
  terminal.say("recorded in " + folder.string());
  options.json.write(result.summary.dump(2));
  return interrupt.came() ? Exit::interrupted : exit_of(result.summary);
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
  options->json.add_to(*command);
  command->callback([&chosen, options] {
    chosen.action = [options](const Places &places) { return run(places, *options); };
  });
}

} // namespace lab::cli
