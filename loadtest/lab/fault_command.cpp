// fault: what is done to the lab on purpose, and undone again.
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "db/faults.hpp"
#include "loadtest/lab/commands.hpp"
#include "loadtest/lab/database.hpp"
#include "loadtest/lab/faults/carry_out.hpp"
#include "loadtest/lab/faults/in_force.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/host_api.hpp"
#include "loadtest/lab/host_process.hpp"
#include "loadtest/lab/interrupt.hpp"
#include "loadtest/lab/load_options.hpp"

namespace lab::cli {
namespace {

using nlohmann::json;

constexpr int usual_seconds = 5;

void say(const std::string &line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

Exit do_for_a_time(const Places &places, const FaultKind &kind, const FaultSize &size) {
  if (kind.on_postgres)
    (void)own_postgres(places, "fault " + kind.name);
  FaultPlace place(places, kind.name);
  const Interrupt interrupt; // so that a Ctrl-C, too, ends in an undoing
  say(carry_out(places, kind, size, place, interrupt.token(), say));
  return interrupt.came() ? Exit::interrupted : Exit::pass;
}

Exit kill_for_good(const Places &places) {
  const auto postgres = own_postgres(places, "fault kill");
  FaultPlace place(places, "kill");
  db::kill_server(postgres);
  place.stays("PostgreSQL was killed");
  tell_hosts(places, "PostgreSQL was killed");
  say("PostgreSQL was killed; it stays down until scripts/lab fault clear or scripts/lab up");
  return Exit::pass;
}

Exit restart(const Places &places) {
  auto postgres = own_postgres(places, "fault restart");
  const auto one_at_a_time = FileLock::wait_for(places.up_lock());
  if (const auto problem = postgres.problem())
    throw SetUpFailed(*problem);
  tell_hosts(places, "PostgreSQL is restarted");
  postgres.stop();
  postgres.start();
  tell_hosts(places, "PostgreSQL runs again");
  say("PostgreSQL was restarted");
  return Exit::pass;
}

// Also what no file knows of: a lab's home may have been moved, a host asked by others.
Exit clear(const Places &places) {
  end_faults(places);
  for (int number = 0; number < most_hosts; ++number) {
    try {
      if (const auto host = recorded_host(places, number))
        (void)HostApi(host->port).change_faults({{"clear", true}});
    } catch (const std::exception &e) { // PostgreSQL has to run all the same
      fmt::print(stderr, "lab: {}\n", e.what());
    }
  }
  if (!StateFile(places.state()).read().database.empty()) {
    forget_faults(places);
    say("no fault is in force");
    return Exit::pass;
  }
  auto postgres = own_postgres(places, "fault clear");
  {
    const auto one_at_a_time = FileLock::wait_for(places.up_lock());
    db::thaw(postgres);
    postgres.start();
  }
  forget_faults(places);
  say("PostgreSQL runs");
  return Exit::pass;
}

Exit status(const Places &places, const JsonOption &to) {
  const json faults = faults_report(places);
  if (!to.to_output()) {
    for (const json &fault : faults)
      say(fault_line(fault));
    if (faults.empty())
      say("no fault is in force");
  }
  to.write(faults.dump(2));
  return Exit::pass;
}

// One subcommand of the table. kill without a time stays.
void add_kind(CLI::App &command, Chosen &chosen, const FaultKind &kind) {
  struct Options {
    std::optional<int> seconds;
    int amount = 0;
  };
  const bool may_stay = kind.name == "kill";
  auto options = std::make_shared<Options>();
  CLI::App *fault = command.add_subcommand(kind.name, kind.help);
  if (kind.amount) {
    options->amount = kind.amount->otherwise;
    const bool named = kind.amount->option.starts_with("--");
    CLI::Option *amount = fault->add_option(kind.amount->option, options->amount, kind.amount->help)
                              ->check(CLI::Range(kind.amount->low, kind.amount->high));
    if (named)
      amount->option_text(fmt::format("N ({})", kind.amount->otherwise));
    else
      amount->required()->option_text("N");
  }
  fault
      ->add_option("--seconds", options->seconds,
                   may_stay ? "Start it again after so long; without: it stays down until `fault "
                              "clear` or `up`"
                            : "How long; Ctrl-C and `fault clear` end it sooner")
      ->check(CLI::Range(1, static_cast<int>(longest_lab_fault.count())))
      ->option_text(may_stay ? "N" : fmt::format("N ({})", usual_seconds));
  fault->callback([&chosen, &kind, options, may_stay] {
    chosen.action = [&kind, options, may_stay](const Places &places) {
      if (may_stay && !options->seconds)
        return kill_for_good(places);
      return do_for_a_time(
          places, kind,
          {options->amount, std::chrono::seconds(options->seconds.value_or(usual_seconds))});
    };
  });
}

} // namespace

void add_fault(CLI::App &lab, Chosen &chosen) {
  CLI::App *command = lab.add_subcommand(
      "fault", "Hurt the lab's own PostgreSQL or the hosts for a time, to see what happens then; "
               "alone: what is in force");
  command->require_subcommand(0, 1);
  auto report_to = std::make_shared<JsonOption>();
  const auto look = [&chosen, report_to] {
    chosen.action = [report_to](const Places &places) { return status(places, *report_to); };
  };
  command->callback([command, look] {
    if (command->get_subcommands().empty())
      look();
  });
  report_to->add_to(*command);
  for (const FaultKind &kind : fault_kinds())
    add_kind(*command, chosen, kind);
  command->add_subcommand("restart", "Stop PostgreSQL and start it again")->callback([&chosen] {
    chosen.action = restart;
  });
  command->add_subcommand("clear", "Undo them all: PostgreSQL runs again")->callback([&chosen] {
    chosen.action = clear;
  });
  CLI::App *status = command->add_subcommand("status", "What is in force");
  report_to->add_to(*status);
  status->callback(look);
}

} // namespace lab::cli
