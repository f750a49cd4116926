// The subcommands. Each `add_...` describes its own to the command line; when it
// was the one typed, `chosen.action` is what to do. [one thread]
#pragma once

#include <functional>

#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/places.hpp"

namespace CLI {
class App;
}

namespace lab::cli {

struct Chosen {
  std::function<Exit(const Places &)> action;
};

void add_main_job(CLI::App &lab, Chosen &chosen); // no subcommand: the whole lesson

void add_up(CLI::App &lab, Chosen &chosen);
void add_down(CLI::App &lab, Chosen &chosen);
void add_url(CLI::App &lab, Chosen &chosen);

void add_status(CLI::App &lab, Chosen &chosen);
void add_logs(CLI::App &lab, Chosen &chosen);
void add_doctor(CLI::App &lab, Chosen &chosen);
void add_uninstall(CLI::App &lab, Chosen &chosen);

void add_reset(CLI::App &lab, Chosen &chosen);
void add_psql(CLI::App &lab, Chosen &chosen);
void add_fault(CLI::App &lab, Chosen &chosen);

void add_pause(CLI::App &lab, Chosen &chosen);
void add_resume(CLI::App &lab, Chosen &chosen);
void add_reclaim(CLI::App &lab, Chosen &chosen);

void add_strategies(CLI::App &lab, Chosen &chosen);
void add_use(CLI::App &lab, Chosen &chosen);
void add_new(CLI::App &lab, Chosen &chosen);
void add_verify(CLI::App &lab, Chosen &chosen);
void add_watch(CLI::App &lab, Chosen &chosen);

void add_profiles(CLI::App &lab, Chosen &chosen);
void add_load(CLI::App &lab, Chosen &chosen);
void add_compare(CLI::App &lab, Chosen &chosen);
void add_matrix(CLI::App &lab, Chosen &chosen);
void add_calibrate(CLI::App &lab, Chosen &chosen);

void add_agent(CLI::App &lab, Chosen &chosen); // hidden: what `up` starts

} // namespace lab::cli
