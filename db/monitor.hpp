// What only the server knows: its ceiling, who else is connected, who waits for
// locks. Read over a connection of its own outside every pool. On the lab's own
// server that is a superuser's, so it enters on the reserve even at the ceiling.
// Elsewhere it is an ordinary login's, which sees less of other roles' sessions:
// that they are there, not what they do.
#pragma once

#include "db/connection.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace lab::db {

struct ServerNumbers {
  int max_connections = 0;
  int reserved = 0;          // for superusers, and for a role that was given the right
  int total = 0;             // client backends, this monitor's included
  int ours = 0;              // of these, the ones with this host's application_name
  int lab = 0;               // of the total: the lab's, of all its programs under this login
  int login_total = 0;       // of the total: this login's
  int login_limit = -1;      // the login's own limit; -1: none
  int database_total = 0;    // of the total: to this database
  int database_limit = -1;   // the database's own limit; -1: none
  int active = 0;            // of the total: running a statement
  int waiting_for_locks = 0; // of the total: blocked by another's lock
  int ours_at_work_long = 0; // of ours: in a transaction for half a second and more
  std::int64_t pending_jobs = 0;
  std::vector<int> backends; // process ids of the total; empty: the server is elsewhere
};

// [one thread]. `read` blocks for at most `connect_limit + answer_limit`, also
// when the server is frozen.
class Monitor {
public:
  static constexpr std::chrono::milliseconds connect_limit{1000};
  static constexpr std::chrono::milliseconds answer_limit{1500}; // statement_timeout is 1 s

  explicit Monitor(std::string conninfo, std::string our_application = "pool_lab host");
  ~Monitor();
  Monitor(const Monitor &) = delete;
  Monitor &operator=(const Monitor &) = delete;

  // Nothing when it can't be read: `last_error` says why, and the next call
  // connects anew.
  std::optional<ServerNumbers> read();

  const std::string &last_error() const { return last_error_; } // one line; "" after a success
  // The last error was that nothing came in time, though something is there.
  bool silent() const { return silent_; }

private:
  std::nullopt_t failed(const std::string &error, bool silent);

  std::string conninfo_;
  std::string our_application_;
  std::unique_ptr<Connection> connection_;
  std::string last_error_;
  bool silent_ = false;
};

} // namespace lab::db
