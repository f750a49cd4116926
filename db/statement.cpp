#include "db/statement.hpp"
#include "db/one_line.hpp"
#include "db/statement_timeout.hpp"

#include <libpq-fe.h>
#include <pqxx/except>

namespace lab::db {

namespace {

using Kind = StatementError::Kind;

// By a timeout, or by somebody.
constexpr const char *query_canceled = "57014";

bool gone(const Connection &connection) {
  return !connection.handle() || PQstatus(connection.handle()) != CONNECTION_OK;
}

[[noreturn]] void throw_loss(Effect effect, const char *what) {
  if (effect == Effect::writes)
    throw StatementError(Kind::in_doubt, "",
                         "the connection was lost in mid-write: " + one_line(what));
  throw StatementError(Kind::lost, "", "the connection was lost: " + one_line(what));
}

} // namespace

void throw_statement_error(Connection &connection, Effect effect) {
  try {
    throw;
  } catch (const StatementError &) {
    throw;
  } catch (const pqxx::in_doubt_error &e) { // lost between sending COMMIT and its answer
    throw_loss(Effect::writes, e.what());
  } catch (const pqxx::broken_connection &e) {
    throw_loss(effect, e.what());
  } catch (const pqxx::sql_error &e) {
    if (gone(connection)) // and its SQLSTATE with it
      throw_loss(effect, e.what());
    if (e.sqlstate() == query_canceled)
      throw StatementError(
          Kind::query, e.sqlstate(),
          why_ended(connection.since_statement_began(), connection.statement_timeout()));
    const Kind kind = e.sqlstate().starts_with("22") ? Kind::bad_input : Kind::query;
    throw StatementError(kind, e.sqlstate(), one_line(e.what()));
  } catch (const pqxx::deadlock_detected &e) { // these two are no sql_error to libpqxx
    throw StatementError(Kind::query, "40P01", one_line(e.what()));
  } catch (const pqxx::serialization_failure &e) {
    throw StatementError(Kind::query, "40001", one_line(e.what()));
  } catch (const std::exception &e) {
    if (gone(connection))
      throw_loss(effect, e.what());
    throw StatementError(Kind::query, "", one_line(e.what()));
  }
}

void prepare(Connection &connection, const Statement &statement) {
  running(connection, Effect::nothing, [&] {
    connection.raw().prepare(statement.name, statement.sql);
    connection.raw().prepare_now(statement.name);
  });
}

} // namespace lab::db
