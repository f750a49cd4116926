// The lab's tables, in the schema that a connection's search path leads to: made,
// seeded and reset, the same way in every database. [one thread at a time]
//
// All of these throw what `running` throws (statement.hpp).
#pragma once

#include "db/connection.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include <pqxx/result>

namespace lab::db {

// Session options for such work: as long as needed for what is slow by nature (a
// checkpoint, a database's creation), but never for ever.
inline constexpr const char *for_administration =
    "-c statement_timeout=120000 -c lock_timeout=10000";

// One statement, outside a transaction.
pqxx::result run_now(Connection &connection, const std::string &sql);

// Makes tables and seed, with `before` and `after` them, in one transaction: a
// first try that was cut off leaves nothing half done. `sql` is the folder that
// holds schema.sql and seed.sql.
void make_tables(Connection &connection, const std::filesystem::path &sql,
                 const std::vector<std::string> &before, const std::vector<std::string> &after);

// Back to the seed. Throws std::runtime_error, one line, while the tables are in
// use for longer than the lock timeout.
void reset_tables(Connection &connection, const std::filesystem::path &sql);

} // namespace lab::db
