// Tries a library in a process of its own before the host loads it. Whatever
// the library does there, this process is untouched.
//
// It is a safety net for mistakes, not a sandbox against malice: the library
// runs as this user, within limits of time, memory, files and processor.
// [any thread]; blocks for some milliseconds, at most `wall_limit` and a little.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "plugins/loader/param.hpp"

namespace lab::plugin {

struct VerifyOptions {
  // From spawn to verdict. Past it, the verifier and all it started are killed.
  std::chrono::milliseconds wall_limit{2000};
};

struct Verdict {
  bool ok = false;
  std::string what; // one line when not ok: what was wrong, where, what to do
  // What failed: "file", "load", "entry", "table", "version", "params",
  // "create", "look", "plan", "set", "admit", "explain", "save", "restore",
  // "destroy", "slow", "threads", "files", "close", "crash", "hang", "exit", or
  // "verifier" when the verifier itself could not do its work. Empty when ok.
  std::string check;
  std::vector<std::string> warnings; // one line each; the library may be used

  std::string summary;
  std::vector<Param> params;
  std::chrono::microseconds took{0};
};

// Never throws for what the library does. `verifier` is the program lab_verify.
Verdict verify(const std::filesystem::path &verifier, const std::filesystem::path &library,
               const VerifyOptions &options = {});

} // namespace lab::plugin
