// Starting another program: as a given user, without a shell, with nothing
// inherited by accident (file descriptors, signal mask, PG* variables).
#pragma once

#include "db/lab_user.hpp"

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <sys/types.h>

namespace lab::db {

// Where a child's output goes.
struct Output {
  enum class To { inherit, nowhere, file, pipe };
  To to = To::inherit;
  std::filesystem::path path; // of `file`: opened by the caller's user, appended to

  static Output inherited() { return {}; }
  static Output discarded() { return {To::nowhere, {}}; }
  static Output appended_to(std::filesystem::path file) { return {To::file, std::move(file)}; }
  static Output captured() { return {To::pipe, {}}; }
};

struct Launch {
  std::vector<std::string> argv; // argv[0]: a path, or a name to look for in PATH

  // The caller's environment is handed on without PG* and DATABASE_URL; these
  // are added or replaced after that.
  std::map<std::string, std::string> environment = {};

  std::optional<LabUser> user = {};     // nothing: the caller's
  std::filesystem::path directory = {}; // "": `/` when the user changes, else the caller's
  bool own_session = false;             // a daemon: lives on, and no terminal signal reaches it
  bool keep_input = false;              // standard input is the caller's; else /dev/null
  Output out = {};
  Output err = {};                                 // `pipe` joins `out` when that is a pipe too
  int nice = 0;                                    // added to the caller's
  std::vector<std::pair<int, int>> pass = {};      // descriptors: {here, in the child}
  std::vector<std::pair<int, rlim_t>> limits = {}; // RLIMIT_...: both soft and hard
};

// How a child ended.
struct Ended {
  int status = 0; // exit status; 128 + signal when a signal ended it
  int signal = 0; // 0: it ended by itself

  bool well() const { return status == 0; }
  std::string text() const; // "ended with status 1", "was ended by signal 9 (Killed)"
};

// A started child. Letting go of the object leaves the program running.
// [one thread at a time]
class Child {
public:
  // Throws std::runtime_error, one line, when it can't be started; a program
  // that can't be executed is told here too, not by an exit status.
  explicit Child(const Launch &launch);
  ~Child();
  Child(Child &&) noexcept;
  Child &operator=(Child &&) noexcept;

  pid_t pid() const { return pid_; }

  // Nothing when it still runs after `limit`. Collects captured output meanwhile.
  std::optional<Ended> wait_for(std::chrono::milliseconds limit);

  // The next whole line of captured output, without its end. Nothing when none
  // came within `limit`, or when the output has ended.
  std::optional<std::string> line(std::chrono::milliseconds limit);

  // What was captured so far and not yet handed out by `line`.
  const std::string &output() const { return captured_; }

  // To the child alone; to its whole process group when it has a session of its
  // own. Does nothing once its end has been seen.
  void send(int signal) const;

private:
  void collect(std::chrono::milliseconds limit);
  void reap();

  pid_t pid_ = -1;
  bool leads_session_ = false;
  int output_ = -1; // read end of the captured output
  int alarm_ = -1;  // a pidfd, readable when the child has ended; -1 where there is none
  std::string captured_;
  std::optional<Ended> ended_;
};

// Runs a program to its end with both outputs captured together; ends it (KILL)
// when it takes longer than `limit`.
struct Outcome {
  Ended ended;
  std::string output;
  bool timed_out = false;

  bool well() const { return ended.well() && !timed_out; }
};
Outcome run(Launch launch, std::chrono::milliseconds limit);

} // namespace lab::db
