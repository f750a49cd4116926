#include "host/bench/governed_pool.hpp"

#include <stdexcept>
#include <vector>

#include <sys/stat.h>

namespace lab::bench {
namespace {

using namespace std::chrono_literals;

std::filesystem::path folder_for_copies() {
  std::string name = std::filesystem::temp_directory_path() / "pool-bench-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr)
    throw std::runtime_error("no folder can be made in " +
                             std::filesystem::temp_directory_path().string());
  ::chmod(name.c_str(), 0755); // the verifier runs as another user
  return name;
}

} // namespace

GovernedPool::GovernedPool(db::TestPostgres &postgres, int connections)
    : pool_(clock_, postgres.postgres().conninfo_jobs(), 1), copies_(folder_for_copies()) {
  host::StrategyService::Options options;
  options.folders = {POOL_LAB_STRATEGIES};
  options.copies = copies_;
  options.verifier = POOL_LAB_VERIFIER;
  strategies_ =
      std::make_unique<host::StrategyService>(clock_, pool_, options, [] { return std::nullopt; });
  (void)strategies_->use("bounded_timeout", {{"max", connections}, {"wait_ms", 60'000}});
}

GovernedPool::~GovernedPool() {
  strategies_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(copies_, ignored);
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
