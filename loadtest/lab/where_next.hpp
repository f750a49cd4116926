// The last line of a load, for who is on the learner's path. [any thread]
#pragma once

#include "loadtest/lab/load_options.hpp"
#include "loadtest/lab/places.hpp"
#include "loadtest/lab/terminal.hpp"

namespace lab::cli {

// Says where to go on, if the path was begun here and people read standard output.
void say_where_next(const Places &places, const JsonOption &report, Terminal &terminal);

} // namespace lab::cli
