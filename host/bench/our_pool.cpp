// Ours: LivePool with all that a request of the host pays for. Its deadline is made
// once a slice, as a request's is made when it is received.
#include <map>
#include <thread>

#include "host/bench/governed_pool.hpp"
#include "host/bench/measure.hpp"

namespace lab::bench {
namespace {

using namespace std::chrono_literals;

// Stands in for the governor, to keep what it would be shown: of each request when it
// asked and how long it waited, as the pool had it under its lock. So the order in which
// requests came and were served is known exactly. Looks often enough that the samples
// are all requests, not a draw of them.
class Bystander {
public:
  explicit Bystander(host::LivePool &pool) : pool_(pool) {
    (void)pool_.observe();
    watching_ = std::jthread([this](std::stop_token stop) {
      while (!stop.stop_requested()) {
        std::this_thread::sleep_for(20ms);
        look();
      }
    });
  }
  // Of all requests that have ended. Nothing where some were not seen.
  std::optional<std::vector<Moment>> seen() {
    watching_.request_stop();
    watching_.join();
    look();
    if (moments_.size() != served_)
      return std::nullopt;
    return moments_;
  }

private:
  void look() {
    const pl_observation shown = pool_.observe();
    served_ += shown.served;
    for (std::uint32_t i = 0; i < shown.sample_count; ++i) {
      const std::chrono::nanoseconds asked(shown.samples[i].started);
      moments_.push_back({asked, asked + std::chrono::nanoseconds(shown.samples[i].wait)});
    }
  }

  host::LivePool &pool_;
  std::uint64_t served_ = 0;
  std::vector<Moment> moments_;
  std::jthread watching_;
};

class OurPool : public Contender {
public:
  std::string name() const override { return "ours"; }

  Measured run(const Slice &slice) override {
    return slice.record == Record::moments ? run_watched(slice) : run_governed(slice);
  }

private:
  Measured run_governed(const Slice &slice) {
    auto &governed = governed_[slice.connections];
    if (!governed)
      governed = std::make_unique<GovernedPool>(db::TestPostgres::shared(), slice.connections);
    return run_on(slice, governed->pool(), governed->clock());
  }

  Measured run_watched(const Slice &slice) {
    const host::Clock clock;
    host::LivePool pool(clock, db::TestPostgres::shared().postgres().conninfo_jobs(), 1);
    pool::Plan plan;
    plan.max_in_use = static_cast<std::uint32_t>(slice.connections);
    plan.wait_timeout = 60s;
    pool.follow(plan, true, false);
    open_all(pool, clock, slice.connections);
    Bystander bystander(pool);
    Measured measured = run_on(slice, pool, clock);
    measured.by_the_pool = bystander.seen();
    return measured;
  }

  static Measured run_on(const Slice &slice, host::LivePool &pool, const host::Clock &clock) {
    open_all(pool, clock, slice.connections);
    const pool::Time deadline = clock.now() + slice.length + 30s;
    return measure(slice, [&](auto held) {
      auto got = pool.acquire(deadline, "pool_bench");
      host::Lease &lease = served(got);
      held();
      (void)lease.give_back(true);
    });
  }

  std::map<int, std::unique_ptr<GovernedPool>> governed_; // by connections
};

} // namespace

std::unique_ptr<Contender> make_ours() {
  return std::make_unique<OurPool>();
}

} // namespace lab::bench
