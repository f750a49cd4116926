// A real host for tests: lab_host as a program of its own, on a free port, over
// the test program's own PostgreSQL; and a client that speaks plain HTTP, also
// bad HTTP. [one thread], but for `http`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "db/child.hpp"
#include "db/test_postgres.hpp"

namespace lab::host {

struct Reply {
  int status = 0; // 0: the connection was closed without an answer
  std::string headers;
  std::string body;

  nlohmann::json json() const;
  std::string code() const; // of problem+json; "" for others
};

// Sends bytes as they are to 127.0.0.1:`port`, and reads one answer. [any thread]
Reply send_raw(std::uint16_t port, const std::string &bytes);

class TestHost {
public:
  // `folders`: where strategies are; the build's own when empty. `more`: arguments.
  explicit TestHost(std::vector<std::filesystem::path> folders = {},
                    const std::string &strategy = "bounded_timeout",
                    const std::vector<std::string> &more = {});
  ~TestHost(); // asks it to stop, and ends it when it doesn't

  std::uint16_t port() const { return port_; }
  pid_t pid() const { return child_->pid(); }

  // [any thread] A request with the headers that a program would send.
  Reply http(const std::string &method, const std::string &path, const std::string &body = "",
             const std::string &more_headers = "") const;

  // Names of strategies' copies that are mapped into the host right now.
  std::vector<std::string> mapped_copies() const;

  db::Ended stop(); // by SIGTERM, as the agent does

private:
  std::filesystem::path folder_;
  std::unique_ptr<db::Child> child_;
  std::uint16_t port_ = 0;
};

} // namespace lab::host
