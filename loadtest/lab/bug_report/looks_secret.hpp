// What looks like a secret, or tells whose machine it is, whether it is known or not:
// `password=...`, `://USER:...@`, tokens, keys, homes. [any thread]
#pragma once

#include <string>

namespace lab::cli {

// Line by line; a very long line is cut.
std::string without_what_looks_secret(const std::string &text);

} // namespace lab::cli
