// fault: what is done to the lab's own PostgreSQL on purpose.
#include <chrono>
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "db/faults.hpp"
#include "loadtest/lab/commands.hpp"
#include "loadtest/lab/database.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/freeze.hpp"
#include "loadtest/lab/interrupt.hpp"

namespace lab::cli {
namespace {

Exit kill(const Places &places) {
  const auto postgres = own_postgres(places, "fault kill");
  db::kill_server(postgres);
  fmt::print("PostgreSQL was killed; it stays down until scripts/lab fault clear or scripts/lab "
             "up\n");
  return Exit::pass;
}

Exit restart(const Places &places) {
  auto postgres = own_postgres(places, "fault restart");
  const auto one_at_a_time = FileLock::wait_for(places.up_lock());
  if (const auto problem = postgres.problem())
    throw SetUpFailed(*problem);
  postgres.stop();
  postgres.start();
  fmt::print("PostgreSQL was restarted\n");
  return Exit::pass;
}

Exit freeze(const Places &places, std::chrono::seconds time) {
  const Freezer freezer(places, "fault freeze");
  const Interrupt interrupt; // so that a Ctrl-C, too, ends in a thaw
  freezer.freeze(std::chrono::steady_clock::now() + time, interrupt.token(), [time] {
    fmt::print("PostgreSQL is frozen for {} s\n", time.count());
    std::fflush(stdout);
  });
  fmt::print("PostgreSQL runs again\n");
  return interrupt.came() ? Exit::interrupted : Exit::pass;
}

Exit clear(const Places &places) {
  auto postgres = own_postgres(places, "fault clear");
  end_freeze(places);
  const auto one_at_a_time = FileLock::wait_for(places.up_lock());
  db::thaw(postgres);
  postgres.start();
  fmt::print("PostgreSQL runs\n");
  return Exit::pass;
}

} // namespace

void add_fault(CLI::App &lab, Chosen &chosen) {
  CLI::App *command =
      lab.add_subcommand("fault", "Hurt the lab's own PostgreSQL, to see what happens then");
  command->require_subcommand(1);
  const auto add = [&](const char *name, const char *what, auto &&work) {
    CLI::App *fault = command->add_subcommand(name, what);
    fault->callback([&chosen, work] { chosen.action = work; });
    return fault;
  };
  add("kill", "Kill it with all its processes; it stays down until `fault clear` or `up`", kill);
  add("restart", "Stop it and start it again", restart);
  auto seconds = std::make_shared<int>(5);
  add("freeze", "Halt all its processes for some seconds, then let them go on",
      [seconds](const Places &places) { return freeze(places, std::chrono::seconds(*seconds)); })
      ->add_option("--seconds", *seconds, "How long; Ctrl-C and `fault clear` end it sooner")
      ->check(CLI::Range(1, 60))
      ->option_text("N (5)");
  add("clear", "Undo them: PostgreSQL runs again", clear);
}

} // namespace lab::cli
