// How a route uses the pool: waits for a connection, runs its work, gives the
// connection back, and turns whatever went wrong into the one vocabulary of
// failures. [the thread that serves the request]
#pragma once

#include <string_view>
#include <type_traits>
#include <utility>

#include "db/connection.hpp"
#include "host/http/answer.hpp"
#include "host/http/call.hpp"
#include "host/live_pool.hpp"

namespace lab::host {

Problem problem_for(const Refused &refused);
Problem problem_for(const db::StatementError &error);

// Calls `work(connection)`, or `work(lease)`, and answers what it answers. `route` is a literal;
// `lasting` is how long the work is known to hold the connection. Throws Problem.
template <class Work>
auto with_connection(LivePool &pool, Call &call, std::string_view route, pool::Duration lasting,
                     Work work) {
  call.dealt_with_pool = true;
  auto got = pool.acquire(call.deadline, route, lasting, call.caller);
  if (const auto *refused = std::get_if<Refused>(&got)) {
    call.waited = refused->waited;
    throw problem_for(*refused);
  }
  Lease &lease = std::get<Lease>(got);
  call.waited = lease.waited();
  call.held_connection = true;
  try {
    auto result = [&] {
      if constexpr (std::is_invocable_v<Work, Lease &>)
        return work(lease);
      else
        return work(lease.connection());
    }();
    call.held = lease.give_back(true);
    return result;
  } catch (const db::StatementError &error) {
    call.held = lease.give_back(false);
    throw problem_for(error);
  }
}

} // namespace lab::host
