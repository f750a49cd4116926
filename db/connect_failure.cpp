#include "db/connect_failure.hpp"

#include <algorithm>

namespace lab::db {
namespace {

constexpr std::size_t sqlstate_length = 5;

std::string_view what_to_do(ConnectFailure kind) {
  switch (kind) {
  case ConnectFailure::too_many_connections:
    return "close some connections, of this pool or of others";
  case ConnectFailure::no_password:
    return "put a line HOST:PORT:DATABASE:USER:PASSWORD into the passfile (~/.pgpass, mode 0600)";
  case ConnectFailure::wrong_login:
    return "look at user and password (the passfile), and at the server's pg_hba.conf";
  case ConnectFailure::no_such_database:
    return "look at the database's name, or make it";
  case ConnectFailure::not_ready:
    return "wait: it is tried again";
  case ConnectFailure::nobody_listens:
    return "start PostgreSQL, or look at host and port";
  case ConnectFailure::no_answer:
    return "it is frozen or overloaded, or the network loses what is sent";
  case ConnectFailure::other:
    break;
  }
  return "";
}

} // namespace

std::string_view name_of(ConnectFailure kind) {
  switch (kind) {
  case ConnectFailure::too_many_connections:
    return "too_many_connections";
  case ConnectFailure::no_password:
    return "no_password";
  case ConnectFailure::wrong_login:
    return "wrong_login";
  case ConnectFailure::no_such_database:
    return "no_such_database";
  case ConnectFailure::not_ready:
    return "not_ready";
  case ConnectFailure::nobody_listens:
    return "nobody_listens";
  case ConnectFailure::no_answer:
    return "no_answer";
  case ConnectFailure::other:
    break;
  }
  return "other";
}

std::string explained(const ConnectError &error) {
  const std::string_view advice = what_to_do(error.kind);
  return advice.empty() ? error.message : error.message + "; " + std::string(advice);
}

std::string_view sqlstate_in(std::string_view message) {
  static constexpr std::string_view before = ":  ";
  static constexpr std::string_view behind = ": ";
  for (std::size_t at = message.rfind(before); at != std::string_view::npos && at > 0;
       at = message.rfind(before, at - 1)) {
    const std::string_view state = message.substr(at + before.size(), sqlstate_length);
    const bool whole =
        state.size() == sqlstate_length && std::all_of(state.begin(), state.end(), [](char c) {
          return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
        });
    if (whole && message.substr(at + before.size() + sqlstate_length).starts_with(behind))
      return state;
  }
  return "";
}

} // namespace lab::db
