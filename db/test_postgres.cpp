#include "db/test_postgres.hpp"

#include <cstdlib>
#include <stdexcept>

#include <sys/stat.h>
#include <unistd.h>

namespace lab::db {

TestPostgres::TestPostgres(const std::string &folder_name) {
  // Short, since a socket's path may have 107 characters.
  std::string name = (std::filesystem::temp_directory_path() / "lab-XXXXXX").string();
  if (!::mkdtemp(name.data()))
    throw std::runtime_error("no temporary folder at " + name);
  home_ = name;
  ::chmod(name.c_str(), 0711); // the lab's user passes through
  postgres_ =
      std::make_unique<PrivatePostgres>(home_ / folder_name, POOL_LAB_SQL_FOLDER, lab_user());
  try {
    postgres_->start();
    postgres_->ensure_database();
  } catch (...) {
    remove();
    throw;
  }
}

TestPostgres::~TestPostgres() {
  remove();
}

void TestPostgres::remove() noexcept {
  try {
    postgres_->stop();
  } catch (const std::exception &) {
    // Nobody is left to tell; removing its folder ends it too.
  }
  std::error_code ignored;
  std::filesystem::remove_all(home_, ignored);
}

TestPostgres &TestPostgres::shared() {
  static TestPostgres one;
  return one;
}

std::unique_ptr<Connection> TestPostgres::connect_jobs(const std::string &application) {
  return connect(postgres_->conninfo_jobs(application), std::chrono::seconds(5));
}

std::unique_ptr<Connection> TestPostgres::connect_admin(const std::string &application) {
  return connect(postgres_->conninfo_admin(application), std::chrono::seconds(5));
}

} // namespace lab::db
