// strategies, use.
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "loadtest/lab/authoring/compiler.hpp"
#include "loadtest/lab/authoring/source.hpp"
#include "loadtest/lab/bring_up.hpp"
#include "loadtest/lab/commands.hpp"
#include "loadtest/lab/hand_over.hpp"
#include "loadtest/lab/load_options.hpp"
#include "loadtest/lab/swap.hpp"
#include "plugins/loader/find.hpp"

namespace lab::cli {
namespace {

using nlohmann::json;

std::string number(const json &value) {
  return value.is_number() ? fmt::format("{}", value.get<double>()) : value.dump();
}

void print_for_people(const json &strategies) {
  for (const json &strategy : strategies) {
    const bool in_use = strategy.at("in_use").get<bool>();
    fmt::print("{} {:<18} {}{}\n", in_use ? "*" : " ", strategy.at("name").get<std::string>(),
               strategy.at("summary").get<std::string>(),
               strategy.at("source") == "my" ? " (yours)" : "");
    if (!strategy.at("usable").get<bool>())
      fmt::print("      can't be used: {}\n", strategy.at("problem").get<std::string>());
    for (const json &param : strategy.at("params"))
      fmt::print("      {:<16} {:>8}  {} ({} to {})\n", param.at("name").get<std::string>(),
                 number(param.contains("value") ? param.at("value") : param.at("default")),
                 param.at("help").get<std::string>(), number(param.at("min")),
                 number(param.at("max")));
  }
  fmt::print("* in use\n");
}

// Of `lab strategies`: the list is the first host's.
void say_difference(const Running &running) {
  if (const std::string difference = difference_between(running.all_hosts()); !difference.empty())
    fmt::print("! {}\n", difference);
}

void print_swap(const json &said) {
  std::string settings;
  for (const auto &[name, value] : said.at("params").items())
    settings += fmt::format(" {}={}", name, value.dump());
  const std::string from = said.at("from"), to = said.at("to");
  if (said.at("swapped").get<bool>())
    fmt::print("{} -> {} in {:.1f} ms:{}{}\n", from.empty() ? "the built-in plan" : from, to,
               said.at("took_ms").get<double>(), settings, state_text(said));
  else
    fmt::print("{} stays, with{}\n", to, settings);
}

// A text that was saved after its library was built is built first. False, and said why,
// where it doesn't compile.
bool bring_up_to_date(const Places &places, const std::string &name) {
  const auto source = plugin::valid_name(name) ? find_source(places, name) : std::nullopt;
  if (!source || !needs_build(*source))
    return true;
  const Built built = build(places, *source, source->library);
  if (built.error)
    fmt::print(stderr, "lab: {} does not compile: {}\n", name, built.error->text());
  else
    fmt::print("{} built in {} ms\n", name, built.took.count());
  return !built.error;
}

} // namespace

void add_strategies(CLI::App &lab, Chosen &chosen) {
  CLI::App *command = lab.add_subcommand("strategies", "All strategies, with their settings");
  auto report_to = std::make_shared<JsonOption>();
  report_to->add_to(*command);
  command->callback([&chosen, report_to] {
    chosen.action = [report_to](const Places &places) {
      const Running running = running_lab(places);
      hand_over_strategies(places);
      const json strategies = running.host().strategies();
      if (!report_to->to_output()) {
        print_for_people(strategies);
        say_difference(running);
      }
      report_to->write(strategies.dump(2));
      return Exit::pass;
    };
  });
}

void add_use(CLI::App &lab, Chosen &chosen) {
  struct Options {
    std::string name;
    std::vector<std::string> set;
  };
  CLI::App *command = lab.add_subcommand(
      "use",
      "Swap to a strategy, or change its settings; your own is built first if its text is newer");
  auto options = std::make_shared<Options>();
  command->add_option("NAME", options->name, "Its name, as `strategies` lists it")->required();
  command->add_option("--set", options->set, "A setting; may be given again")
      ->option_text("NAME=NUMBER")
      ->allow_extra_args(false);
  command->callback([&chosen, options] {
    chosen.action = [options](const Places &places) {
      Choice wanted{options->name};
      for (const std::string &setting : options->set)
        wanted.params.insert_or_assign(parse_setting(setting).first, parse_setting(setting).second);
      const Running running = running_lab(places);
      if (!bring_up_to_date(places, options->name))
        return Exit::fail;
      try {
        const json said = swap_to(places, running.all_hosts(), wanted, HostApi::Instance::may_stay);
        const Choice in_force = running.host().choice();
        StateFile(places.state()).change([&in_force](State &s) { s.in_use = in_force; });
        print_swap(said);
        if (running.hosts.size() > 1)
          fmt::print("on {} hosts\n", running.hosts.size());
        return Exit::pass;
      } catch (const HostProblem &e) {
        if (e.status != 409) // an unknown name or setting: wrong usage
          throw SetUpFailed(fmt::format("{}; nothing was changed", e.what()));
        fmt::print(stderr, "lab: {} is not used: {}\n", options->name, e.what());
        return Exit::fail;
      }
    };
  });
}

} // namespace lab::cli
