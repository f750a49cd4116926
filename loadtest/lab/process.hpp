// Other processes, told apart from later ones with the same number by when they
// started: a process id from a file is never trusted alone. [any thread]
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

namespace lab::cli {

struct ProcessId {
  pid_t pid = 0;
  std::uint64_t started = 0; // clock ticks since boot, field 22 of /proc/PID/stat

  bool operator==(const ProcessId &) const = default;
};

// Nothing when there is none, or it has ended and only its entry is left.
std::optional<ProcessId> process(pid_t pid);

bool alive(const ProcessId &id);

// The name of its program, "" when it can't be seen.
std::string program_of(pid_t pid);

// Nothing when there is no such process.
std::optional<pid_t> parent_of(pid_t pid);

// Its program's file was removed or replaced since it started.
bool program_was_replaced(pid_t pid);

// Wakes a poll when the process ends. [one thread]
class EndWatch {
public:
  explicit EndWatch(const ProcessId &id);
  ~EndWatch();
  EndWatch(const EndWatch &) = delete;
  EndWatch &operator=(const EndWatch &) = delete;

  int descriptor() const { return fd_; } // readable at the end; -1 where there is none
  bool ended() const;
  bool wait_for(std::chrono::milliseconds limit) const; // true when it has ended

private:
  ProcessId id_;
  int fd_ = -1;
};

// Asks it to end (TERM), and ends it (KILL) when it has not after `grace`.
// False when it still was not gone some seconds later. Only that process.
bool end_process(const ProcessId &id, std::chrono::milliseconds grace);

} // namespace lab::cli
