// On a server that others use too, no plan goes above the pool's share of it, which
// moves as they come and go.
#include "host/strategy_service.hpp"
#include "host/test_waiting.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <thread>

namespace lab::host {
namespace {

using namespace std::chrono_literals;

// A service over a pool without a database.
class SharedServer : public ::testing::Test {
protected:
  SharedServer() {
    char made[] = "/tmp/pool-lab-share-XXXXXX";
    copies = ::mkdtemp(made);
    StrategyService::Options options;
    options.folders = {POOL_LAB_FIXTURES, POOL_LAB_STRATEGIES};
    options.copies = copies;
    options.verifier = POOL_LAB_VERIFIER;
    options.share = [this] { return share.load(); };
    service = std::make_unique<StrategyService>(clock, pool, options, [] { return std::nullopt; });
  }
  ~SharedServer() override {
    service.reset();
    std::filesystem::remove_all(copies);
  }
  std::uint32_t in_force() const { return pool.snapshot().plan.max_in_use; }

  std::atomic<std::uint32_t> share = 2;
  Clock clock;
  LivePool pool{clock, "host=/nonexistent dbname=none user=none", 1};
  std::filesystem::path copies;
  std::unique_ptr<StrategyService> service;
};

TEST_F(SharedServer, ThePlanThatIsCompiledInKeepsToItToo) {
  EXPECT_TRUE(comes_true([&] { return in_force() == 2; }, 10s)) << in_force();
}

TEST_F(SharedServer, APlanFollowsItThoughItsStrategyIsNotAsked) {
  share = 40;
  (void)service->use("patient", {}); // its next look is in a minute
  EXPECT_EQ(in_force(), 40U);
  EXPECT_GT(service->status().clamped, 0U);
  share = 7;
  EXPECT_TRUE(comes_true([&] { return in_force() == 7; }, 10s)) << in_force();
  EXPECT_EQ(pool.snapshot().max_open, 7U);
  share = 60;
  EXPECT_TRUE(comes_true([&] { return in_force() == 60; }, 10s)) << in_force();
  EXPECT_EQ(service->status().state, StrategyState::ok);
}

TEST_F(SharedServer, AStrategyIsShownWhatItWasHeldDownTo) {
  share = 40;
  (void)service->use("fixed_huge", {});
  ASSERT_EQ(in_force(), 40U);
  EXPECT_EQ(pool.observe().plan.max_in_use, 40U);
}

} // namespace
} // namespace lab::host
