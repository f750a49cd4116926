#include "loadtest/lab/database.hpp"

#include <fmt/format.h>

#include "db/conninfo.hpp"
#include "db/foreign_database.hpp"
#include "loadtest/lab/exit_status.hpp"

namespace lab::cli {

std::unique_ptr<db::LabDatabase> database_called(const std::string &named, const Places &places,
                                                 const db::LabUser &user) {
  if (named.empty())
    return std::make_unique<db::PrivatePostgres>(places.postgres(user));
  return std::make_unique<db::ForeignDatabase>(named, places.app() / "db");
}

std::unique_ptr<db::LabDatabase> database_in_use(const Places &places, const db::LabUser &user) {
  return database_called(StateFile(places.state()).read().database, places, user);
}

db::PrivatePostgres own_postgres(const Places &places, const std::string &what) {
  const std::string named = StateFile(places.state()).read().database;
  if (!named.empty())
    throw SetUpFailed(fmt::format("{} is for the lab's own PostgreSQL, and {} is not: others use "
                                  "it; go back with scripts/lab up --database {}",
                                  what, db::url_of(named), own_database));
  return places.postgres(db::lab_user());
}

void refuse_passwords(const std::vector<std::string> &words) {
  for (const std::string &word : words) {
    if (word == "--")
      return; // a command's own words
    const std::size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
    const std::string value = equals == std::string::npos ? word : word.substr(equals + 1);
    if (db::states_password(value))
      (void)db::ForeignDatabase::checked(value); // throws
  }
}

} // namespace lab::cli
