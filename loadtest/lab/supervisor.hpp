// Keeps one host alive: a thread that starts it, watches it, and starts it anew
// when it ends. Others hand it orders and read what it last knew. Each of the
// lab's hosts has its own, so what happens to one holds up no other; they share
// state.json, in which the refused strategies are refused for all of them. What
// somebody's HTTP call put into force is remembered of the first host alone.
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
  Supervisor(Places places, db::LabUser user, int number); // 0: the first host
  ~Supervisor();                                           // leaves the host running

  // absent: the lab is to have fewer hosts.
  enum class HostIs { starting, serving, down, absent };
  struct Event {
    std::chrono::system_clock::time_point at;
    std::string text; // with the time
  };
  struct Report {
    HostIs host = HostIs::starting;
    ProcessId process;
    unsigned short port = 0;
    std::string problem;          // why it is down; one line
    std::string settings_problem; // what is wrong with my/settings.toml; or ""
    std::vector<Event> events;    // what happened to the host, oldest first
  };
  Report report() const;

  // Orders: carried out when the future is ready, which throws what went wrong.
  std::future<void> restart_host();  // ends it; then it serves, could not be started, or is absent
  std::future<void> stop_host();     // ends it; it is not started again
  std::future<void> take_settings(); // what was saved so far is in force

private:
  using Time = std::chrono::steady_clock::time_point;
  using Order = std::function<void()>;

  void run();                       // [supervisor]
  void begin();                     // [supervisor]
  void start(const Choice &choice); // [supervisor]
  void start_as_remembered();       // [supervisor]
  // `ran`: what it served with, or was to start with. [supervisor]
  void host_ended(const HostProcess::End &end, const Choice &ran);
  const State &known_state();          // [supervisor]
  void observe();                      // [supervisor]
  void look_at_settings(bool at_once); // [supervisor]
  void wait_until(Time moment);        // [supervisor]
  std::future<void> give(Order order);
  void note(const std::string &event);
  void wake();

  const Places places_;
  const db::LabUser user_;
  const int number_;
  const std::string name_; // "the host"
  const StateFile state_;

  RestartRule rule_;                      // [supervisor]
  std::optional<HostProcess> host_;       // [supervisor]
  std::optional<Time> start_at_;          // [supervisor] a start that is due
  Choice start_with_;                     // [supervisor]
  std::string seen_;                      // [supervisor] the host's last answer about its strategy
  std::optional<Choice> seen_choice_;     // [supervisor] from it, until it is remembered
  State known_state_;                     // [supervisor] as it was read last
  std::optional<SettingsWatch> settings_; // [supervisor] never nothing

  mutable std::mutex mutex_; // guards all below, for moments
  Report report_;
  std::deque<std::packaged_task<void()>> orders_;
  bool quit_ = false;

  int wake_ = -1; // an eventfd
  std::thread thread_;
};

} // namespace lab::cli
