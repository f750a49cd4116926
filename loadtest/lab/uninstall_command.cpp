// uninstall.
#include <iostream>
#include <memory>
#include <string>

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "loadtest/lab/commands.hpp"
#include "loadtest/lab/load_lock.hpp"
#include "loadtest/lab/uninstall.hpp"

namespace lab::cli {
namespace {

void say_what(const Removal &removal) {
  fmt::print("This takes the lab down and removes:\n");
  for (const auto &path : removal.paths)
    fmt::print("  {}\n", path.string());
  if (removal.system_user)
    fmt::print("  the system user pool-lab, which no other lab here needs\n");
}

// Whoever can't be asked has to have said --yes.
void agree(bool yes) {
  if (yes)
    return;
  if (!::isatty(STDIN_FILENO) || !::isatty(STDOUT_FILENO))
    throw SetUpFailed("nothing was removed: there is no terminal to ask on, so agree with "
                      "scripts/lab uninstall --yes");
  fmt::print("Go on? [y/N] ");
  std::fflush(stdout);
  std::string answer;
  std::getline(std::cin, answer);
  if (answer.empty() || (answer[0] != 'y' && answer[0] != 'Y'))
    throw SetUpFailed("nothing was removed");
}

Exit run(const Places &places, bool yes) {
  const auto clone = clone_from_environment();
  require_a_labs_home(places, clone);
  if (const auto load = LoadLock::owner(places.load_lock()))
    throw SetUpFailed(
        fmt::format("`{}` (process {}) runs a load: end it first, with `kill -INT {}`",
                    load->command, load->process.pid, load->process.pid));
  const Removal removal = what_to_remove(places, clone);
  say_what(removal);
  agree(yes);
  const auto problems = remove(places, removal);
  for (const std::string &problem : problems)
    fmt::print(stderr, "lab: {}\n", problem);
  if (!problems.empty())
    return Exit::set_up;
  fmt::print("removed. Kept: {} (yours), and the packages (/var/log/apt/history.log has what was "
             "installed; apt-get remove NAME takes it away)\n",
             (places.work() / "my").string());
  return Exit::pass;
}

} // namespace

void add_uninstall(CLI::App &lab, Chosen &chosen) {
  CLI::App *command =
      lab.add_subcommand("uninstall", "Remove all that the lab made; my/ and the packages stay");
  auto yes = std::make_shared<bool>(false);
  command->add_flag("-y,--yes", *yes, "Don't ask");
  command->callback([&chosen, yes] {
    chosen.action = [yes](const Places &places) { return run(places, *yes); };
  });
}

} // namespace lab::cli
