// profiles.
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "loadtest/built_in_profiles.hpp"
#include "loadtest/lab/commands.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/named_profiles.hpp"

namespace lab::cli {
namespace {

Exit list(const Places &places) {
  for (const std::string &name : load::profile_names())
    fmt::print("{:<14} {}\n", name, load::profile_named(name).what);
  for (const std::string &name : own_profile_names(places)) {
    try {
      fmt::print("{:<14} {} (yours)\n", name, profile_called(places, name).what);
    } catch (const SetUpFailed &mistake) {
      fmt::print("{:<14} ! {}\n", name, mistake.what());
    }
  }
  fmt::print(
      "scripts/lab profiles hold > my/profiles/mine.toml is the beginning of one of your own\n");
  return Exit::pass;
}

Exit print(const Places &places, const std::string &name) {
  for (const load::BuiltInProfile &one : load::built_in_profiles())
    if (one.name == name) {
      fmt::print("{}", one.text);
      return Exit::pass;
    }
  (void)profile_called(places, name); // says which names there are
  throw SetUpFailed(fmt::format("{} is yours: my/profiles/{}.toml", name, name));
}

} // namespace

void add_profiles(CLI::App &lab, Chosen &chosen) {
  CLI::App *command = lab.add_subcommand(
      "profiles", "The loads there are; with a name: the text of one, to be copied");
  auto name = std::make_shared<std::string>();
  command->add_option("PROFILE", *name, "One of the lab's own");
  command->callback([&chosen, name] {
    chosen.action = [name](const Places &places) {
      return name->empty() ? list(places) : print(places, *name);
    };
  });
}

} // namespace lab::cli
