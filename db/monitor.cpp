#include "db/monitor.hpp"
#include "db/one_line.hpp"

#include <array>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include <poll.h>

#include <fmt/format.h>
#include <libpq-fe.h>

namespace lab::db {

namespace {

// In one statement, so that its numbers are of one moment.
constexpr const char *everything =
    "SELECT current_setting('max_connections'), "
    "current_setting('superuser_reserved_connections')::int "
    "+ coalesce(current_setting('reserved_connections', true)::int, 0), " // from 16 on
    "count(*), "
    "count(*) FILTER (WHERE application_name = $1), "
    "count(*) FILTER (WHERE state = 'active' AND pid <> pg_backend_pid()), "
    "count(*) FILTER (WHERE wait_event_type = 'Lock'), "
    "(SELECT count(*) FROM jobs WHERE status = 'pending'), "
    "count(*) FILTER (WHERE starts_with(application_name, 'pool_lab ') "
    "AND usename = session_user), "
    "count(*) FILTER (WHERE usename = session_user), "
    "(SELECT CASE WHEN rolsuper THEN -1 ELSE rolconnlimit END FROM pg_roles "
    "WHERE rolname = session_user), "
    "count(*) FILTER (WHERE datname = current_database()), "
    "(SELECT datconnlimit FROM pg_database WHERE datname = current_database()), "
    "count(*) FILTER (WHERE application_name = $1 AND state <> 'idle' "
    "AND xact_start < clock_timestamp() - interval '0.5 s'), "
    "array_to_string(array_agg(pid), ' ') "
    // Of sessions that this login may not see, the type is hidden too.
    "FROM pg_stat_activity WHERE coalesce(backend_type, 'client backend') = 'client backend' "
    "AND datid IS NOT NULL";

using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

class NoAnswer : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

// libpqxx waits without an end. A frozen server must not freeze its monitor, so
// here libpq is asked, and polled.
Result answer_of(PGconn *pg, const char *sql, std::initializer_list<const char *> values) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + Monitor::answer_limit;
  if (!PQsendQueryParams(pg, sql, static_cast<int>(values.size()), nullptr, values.begin(), nullptr,
                         nullptr, 0))
    throw std::runtime_error(one_line(PQerrorMessage(pg)));
  Result answer(nullptr, &PQclear);
  for (;;) {
    while (!PQisBusy(pg)) {
      Result next(PQgetResult(pg), &PQclear);
      if (!next)
        break;
      answer = std::move(next);
    }
    if (!PQisBusy(pg))
      break;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0)
      throw NoAnswer(
          fmt::format("PostgreSQL did not answer within {} ms", Monitor::answer_limit.count()));
    pollfd readable{PQsocket(pg), POLLIN, 0};
    if (::poll(&readable, 1, static_cast<int>(left)) > 0 && !PQconsumeInput(pg))
      throw std::runtime_error(one_line(PQerrorMessage(pg)));
  }
  const auto status = answer ? PQresultStatus(answer.get()) : PGRES_FATAL_ERROR;
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
    throw std::runtime_error(one_line(PQerrorMessage(pg)));
  return answer;
}

} // namespace

Monitor::Monitor(std::string conninfo, std::string our_application)
    : conninfo_(std::move(conninfo)), our_application_(std::move(our_application)) {}

Monitor::~Monitor() = default;

std::optional<ServerNumbers> Monitor::read() {
  try {
    if (!connection_) {
      connection_ = connect(conninfo_, connect_limit);
      answer_of(connection_->handle(), "SET statement_timeout = '1s'", {});
    }
    const Result row = answer_of(connection_->handle(), everything, {our_application_.c_str()});
    const auto number = [&](int column) { return std::stoll(PQgetvalue(row.get(), 0, column)); };
    const auto count = [&](int column) { return static_cast<int>(number(column)); };
    ServerNumbers numbers;
    numbers.max_connections = count(0);
    numbers.reserved = count(1);
    numbers.total = count(2);
    numbers.ours = count(3);
    numbers.active = count(4);
    numbers.waiting_for_locks = count(5);
    numbers.pending_jobs = number(6);
    numbers.lab = count(7);
    numbers.login_total = count(8);
    numbers.login_limit = count(9);
    numbers.database_total = count(10);
    numbers.database_limit = count(11);
    numbers.ours_at_work_long = count(12);
    if (const char *host = PQhost(connection_->handle()); host != nullptr && *host == '/') {
      std::istringstream pids(PQgetvalue(row.get(), 0, 13));
      numbers.backends.assign(std::istream_iterator<int>(pids), {});
    }
    last_error_.clear();
    silent_ = false;
    return numbers;
  } catch (const NoAnswer &e) {
    return failed(e.what(), true);
  } catch (const ConnectRefused &e) {
    return failed(e.what(), e.error.kind == ConnectFailure::no_answer);
  } catch (const std::exception &e) {
    return failed(e.what(), false);
  }
}

std::nullopt_t Monitor::failed(const std::string &error, bool silent) {
  last_error_ = error;
  silent_ = silent;
  connection_.reset();
  return std::nullopt;
}

} // namespace lab::db
