// The commands of the learner's path. [one thread]
#pragma once

#include "loadtest/lab/commands.hpp"

namespace lab::path {

void add_next(CLI::App &lab, cli::Chosen &chosen);
void add_predict(CLI::App &lab, cli::Chosen &chosen);
void add_check(CLI::App &lab, cli::Chosen &chosen);
void add_hint(CLI::App &lab, cli::Chosen &chosen);
void add_again(CLI::App &lab, cli::Chosen &chosen);
void add_skip(CLI::App &lab, cli::Chosen &chosen);
void add_solve(CLI::App &lab, cli::Chosen &chosen);
void add_report(CLI::App &lab, cli::Chosen &chosen);

} // namespace lab::path
