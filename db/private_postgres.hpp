// The lab's own PostgreSQL: a cluster of its own in $LAB_HOME/pg, reached through
// a unix socket in a private folder, with scram passwords nobody has to know.
// Apart from that it is as shipped: fsync on, max_connections 100.
//
// It is a daemon: it outlives this object and the program. Every function
// blocks, and throws std::runtime_error with one line: what, where, what to do.
// [one thread at a time; one program at a time for all that changes something]
//
// A program that connects calls `ignore_pg_environment` (connection.hpp) first.
#pragma once

#include "db/child.hpp"
#include "db/lab_database.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace lab::db {

class PrivatePostgres final : public LabDatabase {
public:
  // `folder` is made when needed (its parent must exist, and the user must be
  // able to traverse it); `sql` holds schema.sql, roles.sql
  // and seed.sql.
  PrivatePostgres(std::filesystem::path folder, std::filesystem::path sql, LabUser user);

  // Where initdb, pg_ctl, psql and pgbench are. Throws when they are missing.
  static std::filesystem::path programs();

  // Makes the cluster and its passwords. Does nothing when it is there; a first
  // try that was cut off is done again.
  void ensure_initialised();

  // Returns when it accepts connections; at once when it runs already. Works
  // after a kill -9. Makes the cluster first when there is none.
  void start() override;

  // Makes database, roles, schema and seed. Does nothing when they are there.
  void ensure_database() override;

  // Ends sessions and server, at the latest after `limit`. Does nothing when it
  // isn't running.
  void stop(std::chrono::seconds limit = std::chrono::seconds(30));

  // The postmaster, when it is alive and really this cluster's.
  std::optional<pid_t> pid() const override;

  void reset(Checkpoint checkpoint = Checkpoint::no) override;

  std::optional<std::string> problem() const override;
  bool shared() const override { return false; }
  std::string password() const override { return ""; } // the host can read `passfile`

  // Processor seconds of the server and all its processes, ended ones included,
  // since it started. Nothing when it isn't running. For differences.
  std::optional<double> total_cpu_seconds() const;

  // Connection strings; the passwords stand in `passfile`, not in them.
  std::string conninfo_jobs(const std::string &application = "pool_lab host") const override;
  std::string conninfo_admin(const std::string &application) const override;
  std::string
  conninfo_neighbour(const std::string &application = "pool_lab neighbour") const override;

  std::filesystem::path data() const { return folder_ / "data"; }
  std::filesystem::path socket() const { return folder_ / "socket"; }
  std::filesystem::path log() const { return folder_ / "log"; }
  std::filesystem::path passfile() const { return folder_ / "passfile"; }

private:
  void make_folder(const std::filesystem::path &path) const;
  void make_passwords() const;
  void make_cluster() const;
  void remove_half_made() const;
  void write_settings() const;
  void clear_leftovers() const;
  void wait_until_it_accepts() const;
  std::string password_of(const std::string &role) const;
  std::string conninfo(const std::string &database, const std::string &role,
                       const std::string &application) const;
  [[noreturn]] void fail(const std::string &what, const std::string &output) const;

  std::filesystem::path folder_;
  std::filesystem::path sql_;
  LabUser user_;
};

} // namespace lab::db
