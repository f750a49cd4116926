// The faults that last: what each is called, what it does, how it is undone. One table,
// for `lab fault` and for a load that has one in its middle.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "loadtest/lab/places.hpp"

namespace lab::cli {

// A fault that has begun. Whoever has it calls `undo`, also after a failure. [one thread]
class FaultAtWork {
public:
  using Time = std::chrono::steady_clock::time_point;

  virtual ~FaultAtWork() = default;

  // What is so now, where that is more than its kind says: "the server gave no more".
  virtual std::string remark() const { return ""; }

  // Blocks until `until` or a stop. Throws what went wrong meanwhile.
  virtual void last(Time until, const std::stop_token &stop);

  // Throws std::runtime_error when it can't be undone: then the agent tries on.
  virtual void undo() = 0;

  // What is so afterwards, one line.
  virtual std::string ended() const = 0;
};

struct FaultSize {
  int amount = 0; // of what its kind counts
  std::chrono::milliseconds length{};
};

struct FaultKind {
  struct Amount {
    std::string option; // "COUNT", "--times"
    std::string help;
    int low, high;
    int otherwise; // where none is said
  };

  std::string name; // "slow-connects"
  std::string help;
  bool on_postgres; // for the lab's own alone; the others are the hosts' own affair
  std::optional<Amount> amount;

  // What is so while it lasts: "PostgreSQL is frozen".
  std::function<std::string(int amount)> what;

  // Does it. Throws std::runtime_error when it can't be done.
  std::function<std::unique_ptr<FaultAtWork>(const Places &, const FaultSize &)> begin;

  // Undoes what a killed process of the lab left. [any process] Harmless when there is nothing to
  // undo. Throws std::runtime_error when it could not be undone now.
  std::function<void(const Places &)> undo_left;
};

inline constexpr std::chrono::seconds longest_lab_fault{120};

const std::vector<FaultKind> &fault_kinds();
const FaultKind &fault_named(const std::string &name); // one of them

// The entries of the table, each group in a file of its own.
std::vector<FaultKind> faults_of_the_server();      // kill, freeze
std::vector<FaultKind> faults_of_its_connections(); // terminate, take
std::vector<FaultKind> faults_of_the_hosts();       // slow-connects, leak

} // namespace lab::cli
