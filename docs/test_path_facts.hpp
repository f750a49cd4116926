// What the path's pages may say in numbers: facts read from the code itself, by
// name, for the formulas of docs/path/numbers.toml.
//
//   hold.rate, ceiling.users, ...       the profiles (loadtest/profile.cpp)
//   fixed_tiny.max, adaptive.start, ... parameters, from the built strategies
//   postgres.max_connections, postgres.reserved
//                                       what db/private_postgres_test.cpp asks a real server
//   break_small.small.users, ...        a step's runs: what its commands and its table state
//   answer.size_it.serve                right answers that need no run
//   steps.*, route.*, fast.*, check.*   the path itself
//   given.*                             what no code holds: stated in numbers.toml, with why
#pragma once

#include <filesystem>

#include "loadtest/lab/path/formula.hpp"

namespace lab::docs {

// Throws when something isn't where it was.
path::Facts facts_of_the_code(const std::filesystem::path &source,
                              const std::filesystem::path &built_strategies);

} // namespace lab::docs
