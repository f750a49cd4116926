// A PostgreSQL for tests: a cluster of its own in a fresh temporary folder, with
// schema and seed, ended and removed at the end. Takes about 2 s, so a test
// program makes one and resets it between tests. Link `lab_db_test`.
#pragma once

#include "db/connection.hpp"
#include "db/private_postgres.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace lab::db {

class TestPostgres {
public:
  // `folder_name`: the last part of the cluster's path, to try odd ones.
  explicit TestPostgres(const std::string &folder_name = "pg");
  ~TestPostgres();
  TestPostgres(const TestPostgres &) = delete;
  TestPostgres &operator=(const TestPostgres &) = delete;

  // The one that this test program shares; started at first use, removed at exit.
  static TestPostgres &shared();

  PrivatePostgres &postgres() { return *postgres_; }
  const std::filesystem::path &home() const { return home_; } // the temporary folder

  std::unique_ptr<Connection> connect_jobs(const std::string &application = "pool_lab host");
  std::unique_ptr<Connection> connect_admin(const std::string &application = "pool_lab test");

private:
  void remove() noexcept;

  std::filesystem::path home_;
  std::unique_ptr<PrivatePostgres> postgres_;
};

} // namespace lab::db
