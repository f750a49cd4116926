#include "host/bench/governed_pool.hpp"

#include <stdexcept>
#include <vector>

#include <sys/stat.h>

namespace lab::bench {

using namespace std::chrono_literals;

GovernedPool::GovernedPool(db::TestPostgres &postgres, int connections)
    : pool_(clock_, postgres.postgres().conninfo_jobs(), 1) {
  std::string copies = postgres.home() / "copies-XXXXXX";
  if (::mkdtemp(copies.data()) == nullptr)
    throw std::runtime_error("no folder can be made at " + copies);
  ::chmod(copies.c_str(), 0755); // the verifier runs as another user
  host::StrategyService::Options options;
  options.folders = {POOL_LAB_STRATEGIES};
  options.copies = copies;
  options.verifier = POOL_LAB_VERIFIER;
  strategies_ =
      std::make_unique<host::StrategyService>(clock_, pool_, options, [] { return std::nullopt; });
  (void)strategies_->use("bounded_timeout", {{"max", connections}, {"wait_ms", 60'000}});
}

host::Lease &served(std::variant<host::Lease, host::Refused> &got) {
  if (const auto *refused = std::get_if<host::Refused>(&got))
    throw std::runtime_error("the pool refused a request: " + refused->detail);
  return std::get<host::Lease>(got);
}

void open_all(host::LivePool &pool, const host::Clock &clock, int connections) {
  std::vector<std::variant<host::Lease, host::Refused>> held;
  for (int i = 0; i < connections; ++i)
    held.push_back(pool.acquire(clock.now() + 30s, "pool_bench"));
  for (auto &got : held)
    (void)served(got).give_back(true);
}

} // namespace lab::bench
