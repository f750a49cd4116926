// A host as a process: started as the lab's user, recorded in host.json (the second
// in host-2.json), so that it is found again when the agent that started it is gone.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "db/child.hpp"
#include "loadtest/lab/places.hpp"
#include "loadtest/lab/process.hpp"
#include "loadtest/lab/state.hpp"
#include "loadtest/lab/supervision.hpp"

namespace lab::cli {

struct HostRecord {
  ProcessId process;
  unsigned short port = 0;
  std::string database; // as in State::database
  std::vector<std::string> origins = {};
};

// What its record says, if that process still lives; 0: the first host. [any thread]
std::optional<HostRecord> recorded_host(const Places &places, int host = 0);

// "the host", "the second host": how people call it.
std::string host_name(int host);

// Time for the host to drain before it is ended.
inline constexpr std::chrono::seconds drain_limit{15};

class HostProcess { // [one thread]
public:
  // How a host ended, or why it never served.
  struct End {
    HostEnd::How how = HostEnd::How::from_outside;
    std::chrono::milliseconds lived{0}; // since it served
    std::string text;                   // "was ended by signal 9 (Killed)"
    std::string blamed = {}; // the strategy that the host itself blames; "": it names none
  };
  struct NotStarted : std::runtime_error {
    explicit NotStarted(End e) : std::runtime_error(e.text), end(std::move(e)) {}
    End end;
  };

  // Starts one and waits until it serves. A choice without a name: on the plan
  // that is compiled in. `state` says the ports and the database. Throws NotStarted.
  static HostProcess start(const Places &places, int number, const db::LabUser &user,
                           const State &state, const Choice &choice);

  // One that lives already, started by another agent.
  static HostProcess adopt(const Places &places, int number, const HostRecord &record);

  const ProcessId &id() const { return id_; }
  unsigned short port() const { return port_; }
  int descriptor() const { return watch_->descriptor(); } // readable at the end; or -1

  std::optional<End> ended();

  // Asks it to drain and waits; ends it when it takes longer than `drain_limit`.
  void stop();

private:
  HostProcess(ProcessId id, unsigned short port, std::filesystem::path log);
  std::string last_words() const; // what it wrote to its log since it was started

  ProcessId id_;
  unsigned short port_;
  std::filesystem::path log_;
  std::uintmax_t log_began_;
  std::chrono::steady_clock::time_point served_since_;
  std::optional<db::Child> child_; // nothing: adopted, and nobody sees how it ends
  std::unique_ptr<EndWatch> watch_;
};

} // namespace lab::cli
