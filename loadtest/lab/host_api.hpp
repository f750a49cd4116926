// The running host, over HTTP on this machine. A connection for each call, and
// no proxy whatever the environment says. [any thread]
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>

#include <nlohmann/json.hpp>

#include "loadtest/lab/state.hpp"

namespace lab::cli {

// The host did not answer: not up, or ended in the middle. One line.
class HostUnreachable : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

// It answered with a problem. `what` is its detail, one line.
class HostProblem : public std::runtime_error {
public:
  HostProblem(int s, std::string c, const std::string &detail)
      : std::runtime_error(detail), status(s), code(std::move(c)) {}
  int status;       // 409
  std::string code; // "strategy_refused"
};

class HostApi {
public:
  explicit HostApi(unsigned short port) : port_(port) {}

  std::string url() const;

  // All throw HostUnreachable and HostProblem.
  nlohmann::json health() const;
  nlohmann::json pool() const;
  nlohmann::json strategy() const;
  nlohmann::json strategies() const;
  nlohmann::json settings() const;
  nlohmann::json change_settings(const nlohmann::json &change) const;

  // Blocks until it is in force. `fresh`: a new instance also when the same
  // build is in use, with `params` over its settings; else `params` over what is.
  enum class Instance { may_stay, fresh };
  nlohmann::json use(const Choice &choice, Instance instance) const;

  // Frees the connections that are suspected of being leaked: {"reclaimed": n}.
  nlohmann::json reclaim() const;

  // {"paused", "changed"}
  nlohmann::json pause(bool paused) const;

  // A line on the page's time axes, with a few words. fault: of what is done on purpose.
  enum class Mark { plain, fault };
  void mark(const std::string &text, Mark kind = Mark::plain) const;

  // The host's own faults that are in force, and a change of them: as GET and POST
  // /lab/faults have it.
  nlohmann::json faults() const;
  nlohmann::json change_faults(const nlohmann::json &change) const;

  // The strategy in force, with the parameters that were stated for it by name.
  Choice choice() const;

private:
  nlohmann::json call(const std::string &method, const std::string &path,
                      const nlohmann::json *body, std::chrono::milliseconds limit) const;

  unsigned short port_;
};

} // namespace lab::cli
