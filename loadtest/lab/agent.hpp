// The agent: the small daemon that `up` leaves running, one for each lab. It is
// the parent of the lab's hosts and keeps them alive (supervisor.hpp), and undoes what
// a killed `lab fault` left in force (faults/watch.hpp). It listens
// on a Unix socket, on which one line of JSON comes in and one goes out:
//
//   {"do":"status"}   the agent's and the hosts' processes, what happened
//   {"do":"settings"} what was saved in my/settings.toml is in force, now
//   {"do":"restart"}  the hosts end and start anew, as state.json says; with
//                     "hosts":[1] those alone, counted from 0
//   {"do":"stop"}     the hosts end, then the agent
//   {"do":"leave"}    the agent ends, the hosts keep serving
//
// All answer as `status` does: `host` is the first of `hosts`; one that the lab is
// not to have is `absent`.
//
// On a socket of its own, which the hosts may enter, it takes the page's errands, and nothing
// else: errands/errands.hpp.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/places.hpp"
#include "loadtest/lab/process.hpp"

namespace lab::cli {

// The agent itself, until it is told to end. TERM and INT: as "leave".
Exit run_agent(const Places &places);

// The running agent. [any thread, any process]
class Agent {
public:
  // Nothing when none runs.
  static std::optional<Agent> find(const Places &places);

  // Starts one in a session of its own. Throws SetUpFailed when it doesn't
  // listen soon.
  static Agent start(const Places &places);

  const ProcessId &process() const { return process_; }

  // Throws SetUpFailed when it doesn't answer, or answers with an error.
  nlohmann::json ask(const std::string &what, std::chrono::milliseconds limit) const;
  nlohmann::json restart(const std::vector<int> &hosts, std::chrono::milliseconds limit) const;

  // Asks it to `stop` or to `leave`, and waits until it is gone. An agent that
  // doesn't listen is ended all the same.
  void end(const std::string &how) const;

private:
  nlohmann::json say(const nlohmann::json &order, std::chrono::milliseconds limit) const;

  Agent(ProcessId process, std::filesystem::path socket)
      : process_(process), socket_(std::move(socket)) {}

  ProcessId process_;
  std::filesystem::path socket_;
};

} // namespace lab::cli
