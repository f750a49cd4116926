#include "host/routes/with_connection.hpp"

#include <chrono>

#include <fmt/format.h>

namespace lab::host {

Problem problem_for(const Refused &refused) {
  if (refused.caller_gone)
    return {client_gone, "client_gone", "the client went away"};
  const double waited = std::chrono::duration<double, std::milli>(refused.waited).count();
  const std::string because = refused.detail.empty() ? "" : ": " + refused.detail;
  switch (refused.why) {
  case pool::Refusal::timed_out:
    return {503, "pool_timeout",
            fmt::format("no connection became free within {:.0f} ms{}", waited, because)};
  case pool::Refusal::rejected:
    return {503, "pool_rejected", "too many requests are waiting for a connection already"};
  case pool::Refusal::too_many_connections:
    return {503, "too_many_connections",
            fmt::format("waited {:.0f} ms while the database refused more connections{}", waited,
                        because)};
  case pool::Refusal::db_unavailable:
    return {503, "db_unavailable", "the database can't be reached" + because};
  case pool::Refusal::draining:
    return {503, "draining", "the host is shutting down"};
  }
  return {503, "db_unavailable", "the pool gave no reason"};
}

Problem problem_for(const db::StatementError &error) {
  switch (error.kind) {
  case db::StatementError::Kind::lost:
    return {503, "db_unavailable", std::string("the connection was lost: ") + error.what()};
  case db::StatementError::Kind::in_doubt:
    return {504, "outcome_unknown",
            "the connection was lost in the middle of a change: it may or may not have happened"};
  case db::StatementError::Kind::bad_input:
    return {400, "bad_request", std::string("the database can't store that: ") + error.what()};
  case db::StatementError::Kind::query:
    break;
  }
  return {500, "query_failed", error.what()};
}

} // namespace lab::host
