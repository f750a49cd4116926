#include "db/tables.hpp"
#include "db/private_file.hpp"
#include "db/statement.hpp"

#include <stdexcept>

namespace lab::db {

namespace {

void run_script(Connection &connection, const std::vector<std::string> &parts) {
  running(connection, Effect::nothing, [&] {
    pqxx::work transaction(connection.raw());
    for (const auto &part : parts)
      transaction.exec(part);
    transaction.commit();
  });
}

// Vacuum too: else autovacuum would come for the new rows in the middle of a run.
void settle_tables(Connection &connection) {
  run_now(connection, "VACUUM (ANALYZE) jobs, workers");
}

} // namespace

pqxx::result run_now(Connection &connection, const std::string &sql) {
  return running(connection, Effect::nothing, [&] {
    pqxx::nontransaction autocommit(connection.raw());
    return autocommit.exec(sql);
  });
}

void make_tables(Connection &connection, const std::filesystem::path &sql,
                 const std::vector<std::string> &before, const std::vector<std::string> &after) {
  std::vector<std::string> parts = before;
  for (const char *file : {"schema.sql", "seed.sql"})
    parts.push_back(text_of_file(sql / file));
  parts.insert(parts.end(), after.begin(), after.end());
  run_script(connection, parts);
  settle_tables(connection);
}

void reset_tables(Connection &connection, const std::filesystem::path &sql) {
  try {
    run_script(connection,
               {"TRUNCATE jobs, workers RESTART IDENTITY", text_of_file(sql / "seed.sql")});
  } catch (const StatementError &e) {
    if (e.sqlstate != "55P03") // lock_timeout
      throw;
    throw std::runtime_error("the database can't be reset while its tables are in use: wait for "
                             "the load to end, or end it, and try again");
  }
  settle_tables(connection);
}

} // namespace lab::db
