#include "host/bench/parts.hpp"

#include <list>
#include <mutex>
#include <unordered_map>

#include <benchmark/benchmark.h>

#include "host/bench/governed_pool.hpp"
#include "host/pool/pool.hpp"

namespace lab::bench {
namespace {

using namespace std::chrono_literals;

constexpr int connections = 10;

void whole(benchmark::State &state, std::unique_ptr<GovernedPool> &made) {
  if (!made)
    made = std::make_unique<GovernedPool>(db::TestPostgres::shared(), connections);
  GovernedPool &governed = *made;
  open_all(governed.pool(), governed.clock(), connections);
  const pool::Time deadline = governed.clock().now() + 1h;
  for (auto _ : state) {
    auto got = governed.pool().acquire(deadline, "pool_bench");
    (void)served(got).give_back(true);
  }
}

void clock_read(benchmark::State &state) {
  const host::Clock clock;
  for (auto _ : state)
    benchmark::DoNotOptimize(clock.now());
}

void alive(benchmark::State &state) {
  const auto connection = db::TestPostgres::shared().connect_jobs();
  for (auto _ : state)
    benchmark::DoNotOptimize(connection->alive());
}

void clean(benchmark::State &state) {
  const auto connection = db::TestPostgres::shared().connect_jobs();
  for (auto _ : state)
    benchmark::DoNotOptimize(connection->clean());
}

void lock(benchmark::State &state) {
  std::mutex mutex;
  for (auto _ : state) {
    const std::lock_guard held(mutex);
    benchmark::ClobberMemory();
  }
}

// Both events with their actions, no clock, no lock, `connections` open.
void core(benchmark::State &state) {
  pool::Pool pool(1);
  pool::Actions actions;
  pool::Time now{};
  pool::Plan plan;
  plan.max_in_use = connections;
  plan.max_connecting = connections;
  pool.follow(now, plan, true, false, actions);
  for (int i = 1; i <= connections; ++i)
    pool.acquire(now, pool::RequestId(i), now + 1h, "pool_bench", actions);
  for (int i = 1; i <= connections; ++i)
    pool.connected(now, pool::ConnectionId(i), actions);
  for (int i = 1; i <= connections; ++i)
    pool.release(now, pool::ConnectionId(i), true, actions);
  for (auto _ : state) {
    now += 1ns; // so that nothing retires, however long this runs
    actions.clear();
    pool.acquire(now, pool::RequestId(1), now + 1h, "pool_bench", actions);
    const auto &serve = std::get<pool::Serve>(actions.front());
    const pool::ConnectionId connection = serve.connection;
    actions.clear();
    pool.release(now, connection, true, actions);
    benchmark::DoNotOptimize(actions.data());
  }
}

void look_up(benchmark::State &state) {
  std::unordered_map<pool::ConnectionId, std::uint64_t> map;
  for (std::uint64_t i = 1; i <= connections; ++i)
    map[pool::ConnectionId(i)] = i;
  std::uint64_t wanted = 1;
  benchmark::DoNotOptimize(wanted);
  for (auto _ : state)
    benchmark::DoNotOptimize(map.at(pool::ConnectionId(wanted)));
}

void list_node(benchmark::State &state) {
  std::list<pool::ConnectionId> list;
  for (auto _ : state) {
    list.insert(list.end(), pool::ConnectionId(1));
    benchmark::DoNotOptimize(list.back());
    list.pop_back();
  }
}

} // namespace

void register_parts(std::unique_ptr<GovernedPool> &pool) {
  const auto add = [](const char *name, const auto &part) {
    benchmark::RegisterBenchmark(name, part)->MinTime(0.1);
  };
  add("part/whole: acquire + give back", [&pool](benchmark::State &state) { whole(state, pool); });
  add("part/alive: one poll of the socket", alive);
  add("part/clean: libpq's word on the connection", clean);
  add("part/core: both events, no clock, no lock", core);
  add("part/one read of the clock", clock_read);
  add("part/one lock + unlock, nobody else there", lock);
  add("part/one look-up by connection", look_up);
  add("part/one list node made and freed", list_node);
}

} // namespace lab::bench
