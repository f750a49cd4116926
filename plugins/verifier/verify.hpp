// Tries a library in a process of its own before the host loads it. Whatever
// the library does there, this process is untouched.
//
// It is a safety net for mistakes, not a sandbox against malice: the library
// runs as this user, within limits of time, memory, files and processor.
// [any thread]; blocks for some milliseconds, at most `wall_limit` and a little.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "plugins/loader/param.hpp"

namespace lab::plugin {

struct VerifyOptions {
  // From spawn to verdict. Past it, the verifier and all it started are killed.
  std::chrono::milliseconds wall_limit{2000};
  // Called by root: the user and group that the library runs as; without: nobody's.
  std::optional<std::pair<uid_t, gid_t>> run_as = {};
  // The runtime of a sanitizer, for a library that was built with it; "" for none. It
  // needs much memory, so that is not limited then.
  std::string preload = {};
};

struct Verdict {
  bool ok = false;
  std::string what; // one line when not ok: what was wrong, where, what to do
  // What failed: "file", "load", "entry", "table", "version", "params",
  // "create", "look", "plan", "set", "admit", "explain", "save", "restore",
  // "destroy", "slow", "threads", "files", "close", "crash", "hang", "exit", "process", "memory",
  // or "verifier" when the verifier itself could not do its work. Empty when ok.
  std::string check;
  std::vector<std::string> warnings; // one line each; the library may be used
  // After a crash, where in the file, as addr2line counts; if it is known.
  std::optional<std::uintptr_t> place;

  std::string summary;
  std::vector<Param> params;
  std::vector<std::string> members; // the optional ones it has: "admit", ...
  std::chrono::microseconds took{0};
};

// Never throws for what the library does. `verifier` is the program lab_verify.
Verdict verify(const std::filesystem::path &verifier, const std::filesystem::path &library,
               const VerifyOptions &options = {});

} // namespace lab::plugin
