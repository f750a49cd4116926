// Our pool as the host has it: real connections to a private PostgreSQL, followed by
// a StrategyService with bounded_timeout in force and a wait that nobody outlives.
#pragma once

#include <memory>
#include <variant>

#include "db/test_postgres.hpp"
#include "host/clock.hpp"
#include "host/live_pool.hpp"
#include "host/strategy_service.hpp"

namespace lab::bench {

class GovernedPool {
public:
  GovernedPool(db::TestPostgres &postgres, int connections);

  const host::Clock &clock() const { return clock_; }
  host::LivePool &pool() { return pool_; }

private:
  host::Clock clock_;
  host::LivePool pool_;
  std::unique_ptr<host::StrategyService> strategies_;
};

// The lease in `got`, or an exception: nobody is refused here.
host::Lease &served(std::variant<host::Lease, host::Refused> &got);

// Has `connections` open at once, so that no connect falls into a measurement.
void open_all(host::LivePool &pool, const host::Clock &clock, int connections);

} // namespace lab::bench
