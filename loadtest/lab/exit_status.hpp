// How the program ends. The numbers are a contract with scripts and CI.
// [any thread]
#pragma once

#include <stdexcept>
#include <string>

namespace lab::cli {

enum class Exit : int {
  pass = 0,
  fail = 1,         // a load failed; `status` has problems
  invalid = 2,      // a run that proves nothing
  set_up = 64,      // wrong usage, or something that has to be there first is not
  interrupted = 130 // Ctrl-C, after printing what is finished
};

// Ends the program with Exit::set_up. One line: what, where, what to do.
class SetUpFailed : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

} // namespace lab::cli
