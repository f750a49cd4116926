// One connection to PostgreSQL, and a connect under way.
//
// libpqxx 6 reconnects silently by default, which would let a pool hand out a
// connection that lost its session. So the lab adopts a PGconn of its own
// making (an own connection policy): it is connected once, without blocking,
// and when it breaks it stays broken. All that libpqxx 7 would change is here
// and in connection.cpp.
#pragma once

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "db/connect_failure.hpp"

struct pg_conn; // libpq's PGconn
namespace pqxx {
class connection_base;
}

namespace lab::db {

// Thrown by `connect`. `what` is the error with what to do about it.
class ConnectRefused : public std::runtime_error {
public:
  explicit ConnectRefused(ConnectError e) : std::runtime_error(explained(e)), error(std::move(e)) {}
  ConnectError error;
};

// Thrown by whatever runs a statement.
class StatementError : public std::runtime_error {
public:
  enum class Kind {
    lost,     // the connection is gone, and surely nothing was written
    in_doubt, // the connection is gone in mid-write: it may or may not have happened
    query,    // the server said no (deadlock, statement timeout); the connection is fine
    bad_input // SQLSTATE class 22: the value can't be stored
  };
  StatementError(Kind k, std::string state, const std::string &what)
      : std::runtime_error(what), kind(k), sqlstate(std::move(state)) {}

  Kind kind;
  std::string sqlstate; // "" when the connection was lost
};

// [one thread at a time], but for `shut`.
class Connection {
public:
  ~Connection();
  Connection(const Connection &) = delete;
  Connection &operator=(const Connection &) = delete;

  int socket() const;
  int backend_pid() const;

  // Whether the server still holds the other end, without a round trip.
  bool alive();

  // At rest and outside any transaction: only then may it be handed out again.
  bool clean() const;

  // [any thread, while the Connection exists] Ends the socket, so that whoever
  // waits on it fails at once.
  void shut() noexcept;

  // A statement is about to be sent; and how long ago that was. The error of one that
  // was ended says by this whether its timeout ended it.
  void statement_begins() noexcept;
  std::chrono::nanoseconds since_statement_began() const noexcept;
  // Its session's, from the start; zero: none.
  std::chrono::milliseconds statement_timeout() const noexcept;

  pqxx::connection_base &raw();
  pg_conn *handle() const; // libpq's own; null once libpqxx has given it up

private:
  friend class Connecting;
  struct Adopted;
  explicit Connection(std::unique_ptr<Adopted> adopted);
  std::unique_ptr<Adopted> adopted_;
};

// A connect under way, never blocking: poll `socket` for what `state` says,
// then call `advance`. [one thread at a time]
//
// Session settings travel with the connect, not in round trips of their own:
// statement_timeout 30 s, and a check each 500 ms whether the client is still
// there, so that a socket that was shut soon ends its backend. What `conninfo`
// states in `options` comes after these and wins.
class Connecting {
public:
  enum class State { reading, writing, ready, failed };

  explicit Connecting(const std::string &conninfo);
  ~Connecting();
  Connecting(Connecting &&) noexcept;
  Connecting &operator=(Connecting &&) noexcept;

  int socket() const; // -1 when failed; may change from one advance to the next
  State state() const;
  State advance();

  std::unique_ptr<Connection> take(); // once, when ready
  const ConnectError &error() const;  // when failed

private:
  struct Underway;
  std::unique_ptr<Underway> underway_;
};

// Removes PG* and DATABASE_URL from this program's environment. Connecting states
// every option itself, so most have no effect anyway; but libpq lets PGSERVICE,
// PGTZ and a few more in by the back door. [call it first in main, before threads]
void ignore_pg_environment();

// The password that libpq would use: the one stated, or the passfile's; "" for none.
// Looked up as a connect begins, whether or not the server can be reached. [any thread]
std::string password_found_for(const std::string &conninfo);

// Connects and waits for it, at most `limit`. Throws ConnectRefused.
std::unique_ptr<Connection> connect(const std::string &conninfo, std::chrono::milliseconds limit);

} // namespace lab::db
