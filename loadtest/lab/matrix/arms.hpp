// The arms of a matrix, from the names that people type. [any thread]
#pragma once

#include <string>
#include <vector>

#include "loadtest/matrix/design.hpp"

namespace lab::cli {

// Each is NAME or NAME:SETTING=NUMBER,...; bounded_timeout, or the first when it isn't among
// them, gets a twin: with `handicap` above 0, one whose requests hold their connection that
// many percent longer. Throws SetUpFailed.
std::vector<matrix::Arm> arms_of(const std::vector<std::string> &names, int handicap);

} // namespace lab::cli
