// The trial: loads a library and drives it through its whole life. Runs only in
// the verifier's process, which may die in any line of it.
// [verifier's main thread]
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "plugins/loader/param.hpp"
#include "plugins/verifier/channel.hpp"

namespace lab::plugin {

// What a library did wrong: the step it failed at, and one line.
class Refusal : public std::runtime_error {
public:
  Refusal(std::string check, const std::string &what)
      : std::runtime_error(what), check(std::move(check)) {}
  std::string check; // as in Verdict::check
};

struct TrialResult {
  std::string summary;
  std::vector<Param> params;
  std::vector<std::string> members; // the optional ones it has: "admit", ...
  std::vector<std::string> warnings;
};

// Throws Refusal. Every step is told to `channel` before it begins.
TrialResult try_library(const std::filesystem::path &path, Channel &channel);

} // namespace lab::plugin
