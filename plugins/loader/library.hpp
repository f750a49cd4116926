// A strategy's shared library, loaded, with its table checked; and an instance
// of it, whose calls stop exceptions and give every failure a text.
//
// Life: Library -> Instance(s) -> the instances end -> close(). Loading and
// closing run the author's constructors and destructors, so both belong on the
// thread that also calls: [governor]. What is copied out (summary, params,
// texts) stays good after close.
//
// Load only a verified copy under a fresh name (loader/find.hpp): the dynamic
// linker answers a path that it knows with the old code.
#pragma once

#include <atomic>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "plugins/loader/param.hpp"
#include "pool_lab/strategy.h"

namespace lab::plugin {

// Why a library can't be used: one line for its author. `check` names what
// failed: "load", "entry", "table", "version" or "params".
class Unusable : public std::runtime_error {
public:
  Unusable(std::string check, const std::string &what)
      : std::runtime_error(what), check(std::move(check)) {}
  std::string check;
};

// What closing came to. A library that stays mapped is no error of the host:
// its code asked for it (a thread_local, a GNU_UNIQUE symbol).
struct Closed {
  bool unmapped = false; // the file is gone from /proc/self/maps
  std::string problem;   // one line when it is not
};

class Library { // [governor], one thread at a time
public:
  // Loads with RTLD_NOW | RTLD_LOCAL and checks the table. Throws Unusable, and
  // leaves nothing loaded.
  explicit Library(const std::filesystem::path &file);
  // Closes, unless closed or quarantined.
  ~Library();
  Library(const Library &) = delete;
  Library &operator=(const Library &) = delete;

  const std::filesystem::path &file() const { return file_; }
  const std::string &summary() const { return summary_; }
  const std::vector<Param> &params() const { return params_; }
  bool has_admit() const { return table_.admit != nullptr; }
  bool has_explain() const { return table_.explain != nullptr; }
  bool has_save() const { return table_.save != nullptr; }
  bool has_restore() const { return table_.restore != nullptr; }

  // Unloads. Refused (not unmapped, a problem) while instances live. The second
  // call repeats the first one's answer.
  Closed close();

  // [any thread] Never unload: a thread stands inside its code for ever. Its
  // instances must be abandoned.
  void quarantine() noexcept;

private:
  friend class Instance;
  struct Handle;

  std::filesystem::path file_;
  std::unique_ptr<Handle> handle_; // empty once closed or quarantined
  pl_strategy table_{};            // our copy; what the library's lacks is NULL
  std::string summary_;
  std::vector<Param> params_;
  std::atomic<int> instances_{0};
  std::optional<Closed> closed_;
};

// Why a call failed.
struct CallFailure {
  bool threw =
      false; // an exception crossed the ABI: treat it as a fault, the instance can't be trusted
  std::string text; // one line, safe to show: the author's words, or what happened
};
using CallResult = std::optional<CallFailure>; // nothing: it went well

class Instance { // [governor] from construction to destruction
public:
  // Calls `create`. Throws Unusable (check "create") when it answers NULL or throws.
  // The library must outlive the instance.
  explicit Instance(Library &library);
  // destroy(), its failure unseen, unless it was called or the instance abandoned.
  ~Instance();
  Instance(const Instance &) = delete;
  Instance &operator=(const Instance &) = delete;

  const Library &library() const { return library_; }

  // `plan` must hold the defaults (default_plan()); it is unspecified after a failure.
  CallResult look(const pl_observation &seen, pl_plan &plan);
  // Checks type and range first; `param` is an index into library().params().
  CallResult set(std::uint32_t param, double value);
  // Fills `verdict` with PL_KEEP before the call; absent: it stays that.
  CallResult admit(const pl_ask &ask, pl_verdict &verdict);
  // `why` is one line; empty when the strategy has no explain.
  CallResult explain(std::string &why);
  // State for a new build. `bytes` is empty when there is none (or no save).
  CallResult save(std::vector<std::byte> &bytes);
  // A failure means a fresh start. Absent: nothing happens.
  CallResult restore(const std::vector<std::byte> &bytes);

  // Ends it, once; nothing may be called after it.
  CallResult destroy();

  // [any thread] Never call into it again, not even `destroy`: the governor
  // that was in it is parked.
  void abandon() noexcept { self_ = nullptr; }

  static constexpr std::size_t max_saved_bytes = 1 << 20;

private:
  Library &library_;
  void *self_ = nullptr;
};

// The plan with every field at the default that strategy.h states.
pl_plan default_plan();

} // namespace lab::plugin
