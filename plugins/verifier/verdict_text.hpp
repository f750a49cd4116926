// A verdict for people: the lines that `lab verify` and lab_verify print.
#pragma once

#include <string>

#include "plugins/verifier/verify.hpp"

namespace lab::plugin {

// Each line ends with a line feed; at least one. [any thread]
std::string verdict_text(const std::string &name, const Verdict &verdict);

} // namespace lab::plugin
