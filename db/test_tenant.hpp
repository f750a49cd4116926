// For tests: a login without rights of its own on a server that is not the lab's
// (a TestPostgres plays that server), in a database where other things stand:
// tables called `jobs` and `workers`, for one. Link `lab_db_test`.
#pragma once

#include "db/test_postgres.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace lab::db {

class TestTenant {
public:
  // Makes database, login (which owns nothing there, but may make a schema) and
  // passfile. Each object has its own.
  explicit TestTenant(TestPostgres &server);

  const std::string &name() const { return name_; } // of database and login
  const std::string &password() const { return password_; }
  const std::filesystem::path &passfile() const { return passfile_; }

  std::string url() const;                  // keywords; the passfile is named
  std::string url_without_passfile() const; // then libpq looks into ~/.pgpass

  std::unique_ptr<Connection> connect_superuser() const;
  std::string ask(const std::string &sql) const; // the first value, as superuser

  // Of all that the lab may not touch: rows of the tables here, where the server
  // keeps them, all objects outside the schema `pool_lab`, roles, databases, rights
  // and settings.
  std::string fingerprint() const;

private:
  TestPostgres &server_;
  std::string name_;
  std::string password_;
  std::filesystem::path passfile_;
};

} // namespace lab::db
