// The one place where SQL meets libpqxx's exceptions: whatever a statement can
// die of leaves here as a StatementError. [the thread that holds the connection]
#pragma once

#include "db/connection.hpp"

#include <string>
#include <utility>

#include <pqxx/connection_base>
#include <pqxx/nontransaction>
#include <pqxx/result>
#include <pqxx/transaction>

namespace lab::db {

// What is in doubt when the connection goes in the middle.
enum class Effect {
  nothing, // nothing is kept that was not committed: `lost`
  writes   // it may have happened: `in_doubt`
};

// Inside a catch block: throws the current exception on as a StatementError.
[[noreturn]] void throw_statement_error(Connection &connection, Effect effect);

template <class Work> auto running(Connection &connection, Effect effect, Work &&work) {
  connection.statement_begins();
  try {
    return std::forward<Work>(work)();
  } catch (...) {
    throw_statement_error(connection, effect);
  }
}

struct Statement {
  std::string name;
  std::string sql;
};

// Prepares it on this connection; only the first time costs a round trip.
void prepare(Connection &connection, const Statement &statement);

// One of several statements in a transaction, prepared before: inside `running`.
template <class... Values>
pqxx::result run_in(pqxx::work &transaction, Connection &connection, const Statement &statement,
                    const Values &...values) {
  connection.statement_begins();
  return transaction.exec_prepared(statement.name, values...);
}

// Runs a prepared statement on its own, in autocommit: one round trip.
template <class... Values>
pqxx::result run_alone(Connection &connection, Effect effect, const Statement &statement,
                       const Values &...values) {
  prepare(connection, statement); // apart, for nothing is in doubt before it was sent
  return running(connection, effect, [&] {
    pqxx::nontransaction autocommit(connection.raw());
    return autocommit.exec_prepared(statement.name, values...);
  });
}

} // namespace lab::db
