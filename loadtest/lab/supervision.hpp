// What the agent does when the host has ended: which strategy comes next, when,
// and whether the one that ran is refused from now on. No clock, no process:
// what happened comes in, what to do goes out. [one thread]
#pragma once

#include <chrono>
#include <string>

namespace lab::cli {

struct HostEnd {
  enum class How {
    from_outside, // a signal such as KILL or TERM, or nobody saw how
    by_itself,    // it crashed, or exited unasked: its strategy is blamed
    at_the_start  // it never served: no port, no database to speak of
  };
  How how = How::from_outside;
  std::chrono::milliseconds lived{0}; // since it began to serve
  bool another = false;               // by itself, for a strategy that was not the one in force

  // From what waitpid says. `drained`: its log says that it was asked to stop.
  static How how_of(int status, int signal, bool drained);
};

struct NextStart {
  bool safe = false;   // on the safe strategy, not on the one that ran
  bool refuse = false; // the one that ran, until it is used by name
  std::chrono::milliseconds pause{0};

  bool operator==(const NextStart &) const = default;
};

class RestartRule {
public:
  // A host that lives shorter than this after a restart has not recovered.
  static constexpr std::chrono::seconds recovered_after{5};
  static constexpr std::chrono::seconds first_pause{1};
  static constexpr std::chrono::seconds longest_pause{10};

  NextStart after(const HostEnd &end);

  // Somebody started the host on purpose: what was before doesn't count.
  void begin_anew() { restarts_running_ = 0; }

private:
  int restarts_running_ = 0; // without a host that recovered in between
};

} // namespace lab::cli
