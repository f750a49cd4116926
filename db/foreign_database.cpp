#include "db/foreign_database.hpp"
#include "db/conninfo.hpp"
#include "db/statement.hpp"
#include "db/tables.hpp"

#include <cstdlib>
#include <memory>
#include <stdexcept>

#include <pwd.h>
#include <unistd.h>

#include <fmt/format.h>

namespace lab::db {

namespace {

using namespace std::chrono_literals;

constexpr const char *or_back =
    "or go back to the lab's own with scripts/lab up --database private";

std::string caller() {
  const passwd *const entry = ::getpwuid(::geteuid());
  if (!entry)
    throw std::runtime_error("the database's URL names no user: write postgresql://USER@HOST/NAME");
  return entry->pw_name;
}

[[noreturn]] void refuse_password() {
  throw std::runtime_error(
      "the database's URL has a password in it, which process lists and the shell's history would "
      "show: leave it out, and put a line HOST:PORT:DATABASE:USER:PASSWORD into ~/.pgpass (mode "
      "0600), or name such a file with passfile=PATH; change a password that was shown");
}

// What libpq or the server said, with what to do where that is known.
std::string advice_on(const ConnectError &error, const std::string &url) {
  if (error.kind == ConnectFailure::no_password)
    return fmt::format("{} wants a password, and none was found: put a line "
                       "HOST:PORT:DATABASE:USER:PASSWORD into ~/.pgpass (mode 0600), or name such "
                       "a file with passfile=PATH in the URL",
                       url);
  if (error.message.find("client_connection_check_interval") != std::string::npos)
    return fmt::format("{} is too old: the lab needs PostgreSQL 14 or later", url);
  return fmt::format("{} can't be entered: {}; mend that, {}", url, error.message, or_back);
}

} // namespace

std::string ForeignDatabase::checked(const std::string &url) {
  if (states_password(url))
    refuse_password();
  const auto stated = parts_of(url);
  if (!stated || stated->empty())
    throw std::runtime_error("the database's URL can't be read: write "
                             "postgresql://USER@HOST:PORT/NAME, or keywords such as "
                             "'host=HOST port=5432 dbname=NAME user=USER'");
  ConninfoParts parts = *stated;
  const auto value = [&parts](const char *keyword) -> std::string & { return parts[keyword]; };
  for (const char *keyword : {"host", "hostaddr", "port"})
    if (value(keyword).find(',') != std::string::npos)
      throw std::runtime_error("the database's URL names several servers: name one, for half of "
                               "the free connections is counted on one");
  if (!value("service").empty())
    throw std::runtime_error("the database's URL names a service, which other users' programs may "
                             "know otherwise: name host, port, database and user");
  if (value("port").empty())
    value("port") = "5432";
  if (value("user").empty())
    value("user") = caller();
  if (value("dbname").empty())
    value("dbname") = value("user");
  for (const char *file : {"passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslcrldir"})
    if (!value(file).empty() && value(file) != "system")
      value(file) = std::filesystem::absolute(value(file)).lexically_normal().string();
  if (!value("passfile").empty() && ::access(value("passfile").c_str(), R_OK) != 0)
    throw std::runtime_error(fmt::format("the passfile {} can't be read: write it, or correct "
                                         "passfile=PATH in the URL",
                                         value("passfile")));
  for (const char *ours : {"application_name", "fallback_application_name", "client_encoding"})
    parts.erase(ours);
  std::erase_if(parts, [](const auto &part) { return part.second.empty(); });
  return conninfo_of(parts);
}

ForeignDatabase::ForeignDatabase(std::string checked, std::filesystem::path sql)
    : checked_(std::move(checked)), sql_(std::move(sql)), url_(url_of(checked_)) {}

std::unique_ptr<Connection> ForeignDatabase::enter(const std::string &application,
                                                   std::chrono::milliseconds limit) const {
  std::unique_ptr<Connection> connection;
  try {
    connection = connect(conninfo_admin(application), limit);
  } catch (const ConnectRefused &e) {
    throw std::runtime_error(advice_on(e.error, url_));
  }
  // Names without a schema must lead to the lab's own, or to nothing. Something in
  // between that drops the connection's options would lead them elsewhere.
  if (run_now(*connection, "SHOW search_path")[0][0].as<std::string>() != schema)
    throw std::runtime_error(fmt::format("{} ignores the options of a connection, so the lab can't "
                                         "keep to its own schema there (a pooler in between?): "
                                         "give the server's own address",
                                         url_));
  return connection;
}

ForeignDatabase::Schema ForeignDatabase::look(Connection &connection) const {
  const auto found =
      run_now(connection, fmt::format("SELECT coalesce(obj_description(oid, 'pg_namespace'), ''), "
                                      "pg_get_userbyid(nspowner) FROM pg_namespace "
                                      "WHERE nspname = '{}'",
                                      schema));
  if (found.empty())
    return Schema::absent;
  if (found[0][0].as<std::string>() != mark)
    throw std::runtime_error(fmt::format("{} has a schema {} that the lab did not make (it belongs "
                                         "to {}): nothing was touched; give another database, {}",
                                         url_, schema, found[0][1].as<std::string>(), or_back));
  const auto tables =
      run_now(connection, fmt::format("SELECT FROM pg_class WHERE relnamespace = "
                                      "'{}'::regnamespace AND relname IN ('jobs', 'workers')",
                                      schema));
  return tables.size() == 2 ? Schema::made : Schema::without_tables;
}

void ForeignDatabase::start() {
  enter("pool_lab start", 5s);
}

void ForeignDatabase::ensure_database() {
  const auto connection = enter("pool_lab setup", 5s);
  const Schema found = look(*connection);
  if (found == Schema::made)
    return;
  std::vector<std::string> before;
  if (found == Schema::absent) {
    if (!run_now(*connection, "SELECT has_database_privilege(current_database(), 'CREATE')")[0][0]
             .as<bool>())
      throw std::runtime_error(fmt::format("{}: this login may not make a schema there: let the "
                                           "database's owner GRANT CREATE ON DATABASE to it, {}",
                                           url_, or_back));
    before = {fmt::format("CREATE SCHEMA {}", schema),
              fmt::format("COMMENT ON SCHEMA {} IS '{}'", schema, mark)};
  }
  try {
    make_tables(*connection, sql_, before, {});
  } catch (const StatementError &e) {
    throw std::runtime_error(
        fmt::format("{}: the schema {} can't be made: {}", url_, schema, e.what()));
  }
}

void ForeignDatabase::reset(Checkpoint) {
  const auto connection = enter("pool_lab reset", 5s);
  if (look(*connection) != Schema::made)
    throw std::runtime_error(
        fmt::format("{} has no tables of the lab's: run scripts/lab up", url_));
  reset_tables(*connection, sql_);
}

std::optional<std::string> ForeignDatabase::problem() const {
  try {
    const auto connection = enter("pool_lab status", 2s);
    if (look(*connection) != Schema::made)
      return fmt::format("{} has no tables of the lab's: run scripts/lab up", url_);
  } catch (const std::exception &e) {
    return e.what();
  }
  return std::nullopt;
}

std::string ForeignDatabase::password() const {
  return password_found_for(conninfo_jobs());
}

std::string ForeignDatabase::conninfo_jobs(const std::string &application) const {
  return conninfo(application, "");
}

std::string ForeignDatabase::conninfo_admin(const std::string &application) const {
  return conninfo(application, for_administration);
}

std::string ForeignDatabase::conninfo_neighbour(const std::string &application) const {
  return conninfo(application, "");
}

// The last of several options with one name wins.
std::string ForeignDatabase::conninfo(const std::string &application,
                                      const std::string &options) const {
  ConninfoParts parts = parts_of(checked_).value();
  parts["application_name"] = application;
  parts["options"] = fmt::format("{} {} -c search_path={}", parts["options"], options, schema);
  return conninfo_of(parts);
}

} // namespace lab::db
