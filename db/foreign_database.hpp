// A database that is not the lab's: somebody else's server, entered with the login
// that was given. The lab works there in a schema of its own, which it marks as
// its own when it makes it, and touches nothing outside it. A schema of that name
// without the mark is refused.
//
// No role is made, nothing is granted, nothing started or stopped, and no checkpoint
// asked for, which all others would feel. Passwords are libpq's affair: it finds
// them in ~/.pgpass, or in the file that `passfile=PATH` names.
#pragma once

#include "db/connection.hpp"
#include "db/lab_database.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace lab::db {

class ForeignDatabase final : public LabDatabase {
public:
  // Where the lab works, and what says that the lab made it.
  static constexpr const char *schema = "pool_lab";
  static constexpr const char *mark =
      "Made by Pool Strategy Lab, which may change and remove everything in it";

  // A libpq address (`postgresql://...`) or keywords (`host=... dbname=...`), as
  // keywords that mean the same to every user in every folder. Throws
  // std::runtime_error, one line that never quotes `url`: it can't be read, states
  // a password, or leads to several servers. [any thread]
  static std::string checked(const std::string &url);

  // `checked`: of the function above. `sql` holds schema.sql and seed.sql.
  ForeignDatabase(std::string checked, std::filesystem::path sql);

  void start() override; // tries whether it can be entered, no more
  void ensure_database() override;
  void reset(Checkpoint checkpoint = Checkpoint::no) override;
  std::optional<std::string> problem() const override;

  std::optional<pid_t> pid() const override { return std::nullopt; }
  bool shared() const override { return true; }
  std::string password() const override;

  std::string conninfo_jobs(const std::string &application = "pool_lab host") const override;
  std::string conninfo_admin(const std::string &application) const override;
  std::string
  conninfo_neighbour(const std::string &application = "pool_lab neighbour") const override;

private:
  enum class Schema { absent, made, without_tables };

  std::unique_ptr<Connection> enter(const std::string &application,
                                    std::chrono::milliseconds limit) const;
  Schema look(Connection &connection) const; // throws when it isn't the lab's
  std::string conninfo(const std::string &application, const std::string &options) const;

  std::string checked_;
  std::filesystem::path sql_;
  std::string url_; // to be shown
};

} // namespace lab::db
