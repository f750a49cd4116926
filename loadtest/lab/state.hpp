// What the lab remembers between commands: state.json in $LAB_WORK/.lab. The
// program and the agent both write it, each change under a lock and whole.
#pragma once

#include <array>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lab::cli {

// A strategy with the parameters that were stated for it by name (--set).
struct Choice {
  std::string name;
  std::map<std::string, double> params = {};

  bool operator==(const Choice &) const = default;
};

// Where the path begins, and where the lab goes when a strategy ended the host.
inline constexpr const char *first_strategy = "fixed_tiny";
inline constexpr const char *safe_strategy = "bounded_timeout";

// Hosts are counted from 0: the first one is at the lab's port, the second at the next.
inline constexpr int most_hosts = 2;

struct State {
  unsigned short port = 3000;
  int hosts = 1;

  unsigned short port_of(int host) const { return static_cast<unsigned short>(port + host); }

  // Keywords of a connection string, never with a password; "": the lab's own.
  std::string database;

  bool monitoring = false; // Prometheus and an exporter run beside the hosts

  // Origins that may call the host besides its own: of a browser editor that forwards its port.
  std::vector<std::string> origins;

  // Those under which an editor forwards the ports, as forwarding.hpp tells them; "": none.
  std::string forwarded;

  // All that may call that host besides itself.
  std::vector<std::string> origins_of(int host) const;

  Choice in_use{first_strategy}; // what `up` restores

  // What each host ran last, also inside a comparison.
  std::array<std::optional<Choice>, most_hosts> loaded;

  // A swap under way: if that host ends during it, this is what ended it. One
  // that is older than `trying_limit` was left by a program that was killed.
  struct Trying {
    Choice choice;
    std::chrono::system_clock::time_point since;
    int host = 0;
  };
  std::optional<Trying> trying;
  static constexpr std::chrono::seconds trying_limit{30};

  bool swap_under_way(std::chrono::system_clock::time_point now) const {
    return trying && now - trying->since < trying_limit;
  }

  // Strategies that ended a host, and how. Not restored until used by name.
  std::map<std::string, std::string> refused;

  // What runs in a host as far as is known at `now`: to be blamed when it ends.
  const Choice &running(int host, std::chrono::system_clock::time_point now) const;
};

class StateFile { // [any thread, any process]
public:
  explicit StateFile(std::filesystem::path file) : file_(std::move(file)) {}

  // The defaults when there is none yet. Throws SetUpFailed when it can't be read.
  State read() const;

  // Reads, changes, writes; nobody else changes it meanwhile.
  State change(const std::function<void(State &)> &change) const;

private:
  std::filesystem::path file_;
};

} // namespace lab::cli
