// The lab's database as the rest of the lab sees it: the PostgreSQL of its own
// (private_postgres.hpp), or a schema on a server that others use too
// (foreign_database.hpp).
//
// Every function blocks, and throws std::runtime_error with one line: what,
// where, what to do. [one thread at a time; one program at a time for all that
// changes something]
#pragma once

#include <optional>
#include <string>

#include <sys/types.h>

namespace lab::db {

class LabDatabase {
public:
  virtual ~LabDatabase() = default;

  // Returns when it accepts connections. What is the lab's to start is started.
  virtual void start() = 0;

  // Makes tables and seed. Does nothing when they are there.
  virtual void ensure_database() = 0;

  // Back to the seed, row for row, for statistics and vacuum too. With
  // `checkpoint` the writing this caused is over when it returns, so that it
  // doesn't disturb what comes next; where others would feel it, it is left out.
  enum class Checkpoint { no, yes };
  virtual void reset(Checkpoint checkpoint = Checkpoint::no) = 0;

  // Why it can't be used now, in one line; nothing when it can. Takes at most 2 s,
  // and a look-up of the server's name.
  virtual std::optional<std::string> problem() const = 0;

  // The postmaster, where it runs and is the lab's own.
  virtual std::optional<pid_t> pid() const = 0;

  // Whether others use the server too: then a host takes at most half of its free
  // connections (connection_share.hpp).
  virtual bool shared() const = 0;

  // For a host that runs as a user who can't look it up; "" where the connection
  // strings say all that is needed. It goes into no file, argument or environment.
  virtual std::string password() const = 0;

  // Connection strings, without passwords, but with all that finds them.
  virtual std::string conninfo_jobs(const std::string &application = "pool_lab host") const = 0;
  virtual std::string conninfo_admin(const std::string &application) const = 0;
  virtual std::string
  conninfo_neighbour(const std::string &application = "pool_lab neighbour") const = 0;
};

} // namespace lab::db
