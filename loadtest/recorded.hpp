// What a run leaves behind before anything is computed from it: a line a
// request, samples of the pool, who used the processors. summary.hpp turns it
// into the summary, so that a summary can be tested on made-up data.
#pragma once

#include "loadtest/profile.hpp"
#include "loadtest/schedule.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace lab::load {

// All times are nanoseconds from the start of the run (warm-up included).
struct RequestLine {
  std::int64_t due = 0;   // open: by the schedule; closed: when its user meant to send
  std::int64_t taken = 0; // when the generator took it up; -1: never, too many were outstanding
  std::int64_t sent = 0;  // when it was written to a connection; -1: it never was
  std::int64_t done = 0;
  std::int64_t wait = -1; // for a connection of the pool, as the host says; -1: it did not say
  std::int64_t hold = -1; // of that connection; -1: it never had one
  Choice choice;
  std::uint8_t outcome = 0; // into Recorded::codes; 0 is a success (2xx)

  // Still open when the run ended, at `done`: neither a success nor a failure, and `outcome` says
  // nothing.
  bool cut_off = false;
};

// One answer of GET /api/v1/pool.
struct PoolSample {
  std::int64_t at = 0; // ns from the start of the run
  unsigned short port = 0;
  nlohmann::json pool;
};

// Who used the processors between two moments, in cores (seconds a second).
struct ProcessorUse {
  std::int64_t from = 0; // ns from the start of the run
  std::int64_t to = 0;
  double postgres = 0;
  double host = 0;
  double generator = 0;
  double others = 0;     // all the rest of the machine
  std::string top_other; // the busiest of the others that can be seen; "" when none can
  double top_other_cores = 0;
};

struct NeighbourCount {
  int tried = 0;
  int refused = 0; // by the server, as one connection too many (53300)
  int failed = 0;  // for another reason
};

// A fault as it really was: fault.hpp.
struct FaultTime {
  std::string name;      // "freeze"
  std::int64_t from = 0; // ns from the start of the run
  std::int64_t to = 0;
};

struct Recorded {
  Profile profile;
  std::uint64_t seed = 0;
  std::uint64_t fingerprint = 0;
  std::int64_t started_ms = 0;    // the start of the run, unix time
  bool stopped = false;           // by its caller, before the end
  std::int64_t ended_sending = 0; // ns from the start: the end of the measured time, or the stop

  std::vector<std::string> codes{"ok"}; // outcome -> code
  std::vector<RequestLine> requests;    // all of them, warm-up too, in the order they ended

  int outstanding_peak = 0;
  int capped = 0;            // arrivals not sent because too many were outstanding
  std::uint64_t retries = 0; // due in the measured time; each is a line of its own

  nlohmann::json strategy; // the answer of GET /api/v1/strategy at the start; null: none came
  std::vector<PoolSample> samples;
  std::vector<ProcessorUse> processor; // second by second
  ProcessorUse processor_measured;     // the measured time as a whole
  bool postgres_known = false;         // whether `postgres` in these was looked at
  double loop_cores = 0;               // measured time: the generator's one busy thread
  int cores = 1;                       // of this machine
  std::optional<NeighbourCount> neighbour;
  std::optional<FaultTime> fault; // nothing: none was asked for, or the run ended before it
};

} // namespace lab::load
