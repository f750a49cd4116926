// Keeps the host alive: one thread that starts it, watches it, and starts it
// anew when it ends. Others hand it orders and read what it last knew.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "loadtest/lab/host_process.hpp"
#include "loadtest/lab/places.hpp"
#include "loadtest/lab/settings_watch.hpp"
#include "loadtest/lab/state.hpp"
#include "loadtest/lab/supervision.hpp"

namespace lab::cli {

class Supervisor { // [any thread]
public:
  Supervisor(Places places, db::LabUser user);
  ~Supervisor(); // leaves the host running

  enum class HostIs { starting, serving, down };
  struct Report {
    HostIs host = HostIs::starting;
    ProcessId process;
    unsigned short port = 0;
    std::string problem;             // why it is down; one line
    std::string settings_problem;    // what is wrong with my/settings.toml; or ""
    std::vector<std::string> events; // what happened to the host, oldest first
  };
  Report report() const;

  void restart_host();  // blocks until it serves, or could not be started
  void stop_host();     // blocks until it has ended; it is not started again
  void take_settings(); // blocks until what was saved so far is in force

private:
  using Time = std::chrono::steady_clock::time_point;
  using Order = std::function<void()>;

  void run();                                   // [supervisor]
  void begin();                                 // [supervisor]
  void start(const Choice &choice);             // [supervisor]
  void start_as_remembered();                   // [supervisor]
  void host_ended(const HostProcess::End &end); // [supervisor]
  const State &known_state();                   // [supervisor]
  void observe();                               // [supervisor]
  void look_at_settings(bool at_once);          // [supervisor]
  void wait_until(Time moment);                 // [supervisor]
  void give(Order order);
  void note(const std::string &event);
  void wake();

  const Places places_;
  const db::LabUser user_;
  const StateFile state_;

  RestartRule rule_;                  // [supervisor]
  std::optional<HostProcess> host_;   // [supervisor]
  std::optional<Time> start_at_;      // [supervisor] a start that is due
  Choice start_with_;                 // [supervisor]
  std::string seen_;                  // [supervisor] the host's last answer about its strategy
  std::optional<Choice> seen_choice_; // [supervisor] from it, until it is remembered
  State known_state_;                 // [supervisor] as it was read last
  SettingsWatch settings_;            // [supervisor]

  mutable std::mutex mutex_; // guards all below, for moments
  Report report_;
  std::deque<std::packaged_task<void()>> orders_;
  bool quit_ = false;

  int wake_ = -1; // an eventfd
  std::thread thread_;
};

} // namespace lab::cli
