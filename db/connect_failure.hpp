// Why a connect failed, told apart by what one would do about it. [any thread]
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace lab::db {

enum class ConnectFailure {
  too_many_connections, // SQLSTATE 53300: the server's ceiling, the login's or the database's
  no_password,          // it wants one, and none was found
  wrong_login,          // class 28: no such role, wrong password, not let in from here
  no_such_database,     // 3D000
  not_ready,            // 57P03: it starts up or shuts down
  nobody_listens,       // no server there, or none can be found
  no_answer,            // not within the time that was given
  other
};
// All of them, in this order.
inline constexpr std::array connect_failures = {ConnectFailure::too_many_connections,
                                                ConnectFailure::no_password,
                                                ConnectFailure::wrong_login,
                                                ConnectFailure::no_such_database,
                                                ConnectFailure::not_ready,
                                                ConnectFailure::nobody_listens,
                                                ConnectFailure::no_answer,
                                                ConnectFailure::other};

// "too_many_connections", ...: as metrics call it.
std::string_view name_of(ConnectFailure kind);

struct ConnectError {
  ConnectFailure kind = ConnectFailure::other;
  std::string message; // libpq's or the server's words; one line
};

// The message, and what to do where there is something: one line for people.
std::string explained(const ConnectError &error);

// The SQLSTATE of a connect that the server refused, out of libpq's verbose message
// ("... FATAL:  53300: sorry, ..."), in which alone it can be found; "" for none. Of
// several servers that were tried, the last one's.
std::string_view sqlstate_in(std::string_view verbose_message);

} // namespace lab::db
