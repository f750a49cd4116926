// Runs one load against a host on this machine and records it.
//
// One thread's event loop sends everything (traffic.cpp); beside it one thread
// reads who uses the processors, and one is the neighbour application if the
// profile has one. Latency counts from when a request was due, so a stall of
// the host shows in every request it delayed, also in those not yet sent.
#pragma once

#include "loadtest/fault.hpp"
#include "loadtest/histogram.hpp"
#include "loadtest/profile.hpp"
#include "loadtest/recorded.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace lab::load {

struct Target {
  std::string host = "127.0.0.1";          // nothing else is loaded
  std::vector<unsigned short> ports{3000}; // several hosts: requests alternate
  std::string neighbour_conninfo;          // "": no neighbour, whatever the profile says
  int postgres_pid = 0;                    // the postmaster; 0: not known, counts as `others`
  std::vector<int> host_pids;
  std::optional<Fault> fault;                      // what is done to it in the middle of the run
  nlohmann::json facts = nlohmann::json::object(); // what the caller knows; kept in run.json
};

struct Progress {
  enum class Phase { warm_up, measuring, finishing };
  Phase phase = Phase::warm_up;
  std::chrono::milliseconds elapsed{}; // of `total`
  std::chrono::milliseconds total{};   // warm-up + measured time
  std::uint64_t sent = 0;              // all since the start, warm-up too
  std::uint64_t ok = 0;
  std::uint64_t failed = 0;
};
using OnProgress = std::function<void(const Progress &)>; // some four times a second

struct RunResult {
  nlohmann::json run;     // what was asked and on what: run.json
  nlohmann::json summary; // summary.hpp
  std::map<std::string, Histogram> histograms;
  std::vector<nlohmann::json> timeline; // by time: kinds "pool", "processor", "strategy"
  Recorded recorded;
};

// At most this long after the measured time for the last answers; what is still
// open then is cut off: it has neither succeeded nor failed.
inline constexpr std::chrono::milliseconds drain_limit{1500};

// Open model: more outstanding requests than this are not sent, and the run is
// invalid.
inline constexpr int max_outstanding = 512;

// The same while a fault holds requests up: more than hosts take, so that these say
// `host_busy`, and it is not the generator that gives in.
inline constexpr int max_outstanding_with_fault = 2048;

// Blocks until the run is over. A stop ends it within 2 s with what is finished
// (`stopped` in the summary). Throws std::invalid_argument, one line, when the
// profile or the target can't be: another host than 127.0.0.1, no port.
// [any thread, one run at a time in a process]
RunResult run_load(const Profile &profile, const Target &target, std::uint64_t seed,
                   const OnProgress &progress = {}, std::stop_token stop = {});

} // namespace lab::load
