// Who uses the processors: PostgreSQL, host, this program, and everything else
// on the machine, from /proc. [one thread at a time]
#pragma once

#include "loadtest/recorded.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

namespace lab::load {

// Processor seconds used so far, at one moment.
struct ProcessorReading {
  std::chrono::steady_clock::time_point at;
  double machine = 0;   // all processors, busy time
  double postgres = 0;  // the postmaster, its processes, and those that ended
  double host = 0;      // all hosts
  double generator = 0; // this process
  struct Other {
    std::string name;
    double seconds = 0;
  };
  std::map<pid_t, Other> others; // other processes that can be seen, kernel threads left out
};

class ProcessorWatch {
public:
  // `postgres_pid` 0: not known.
  ProcessorWatch(pid_t postgres_pid, std::vector<pid_t> host_pids);

  ProcessorReading read() const;

  // Between two readings; `start` is the moment that the run's times count from.
  static ProcessorUse between(const ProcessorReading &before, const ProcessorReading &after,
                              std::chrono::steady_clock::time_point start);

private:
  pid_t postgres_pid_;
  std::vector<pid_t> host_pids_;
};

} // namespace lab::load
