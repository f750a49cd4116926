// Which faults are in force, in one small file that every program of the lab may look
// at: `.lab/faults.json`. So each kind is there once, everybody can see it, and what a
// killed program left is undone by the agent.
//
// Whoever holds `fault.lock`, for moments, changes the file; under it nobody waits for
// another lock.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "loadtest/lab/places.hpp"
#include "loadtest/lab/process.hpp"

namespace lab::cli {

struct FaultInForce {
  std::string name;
  std::optional<ProcessId> owner; // who undoes it; nothing: nobody, until `clear` or `up`
  std::optional<std::chrono::system_clock::time_point> until;
  std::string what; // "PostgreSQL is frozen"; "": not yet, but a load is going to do it

  bool begun() const { return !what.empty(); }
};

// Those that have begun. [any thread, any process]
std::vector<FaultInForce> faults_in_force(const Places &places);
bool is_in_force(const Places &places, const std::string &name);

// The same for reports: name, what, seconds_left (null: until it is cleared), pid (or null).
// With what the hosts say of their own.
nlohmann::json faults_report(const Places &places);
std::string fault_line(const nlohmann::json &fault); // one of it, for people

// The right to do one kind of fault, which nobody else has while this lives. [one thread]
class FaultPlace {
public:
  // Throws SetUpFailed when another has it: who, and what to do. Undoes what a killed
  // one left.
  FaultPlace(const Places &places, std::string name);
  ~FaultPlace(); // an undone one is forgotten; one that is not is left to the agent
  FaultPlace(const FaultPlace &) = delete;
  FaultPlace &operator=(const FaultPlace &) = delete;

  // Written down before it is done.
  void begins(const std::string &what, std::chrono::system_clock::time_point until);
  void undone();
  void stays(const std::string &what); // not this process's to undo

private:
  const Places places_;
  const std::string name_;
  bool forget_ = true;
};

// Undoes what is in force though its process is gone, or its time long over. Answers what
// was undone, one line each; what can't be undone now stays for the next call.
// [any thread, any process]
std::vector<std::string> undo_left_faults(const Places &places);

// Ends the faults of other processes, as a Ctrl-C there would, and waits for them. Loads that
// have not begun theirs are left alone.
void end_faults(const Places &places);

// Forgets those that have begun: they are undone, or the lab is down. [any process]
void forget_faults(const Places &places);
void forget_fault(const Places &places, const std::string &name);

// On the time axes of all hosts. A host that does not answer goes without.
void tell_hosts(const Places &places, const std::string &what);

} // namespace lab::cli
