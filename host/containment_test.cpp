// A strategy that faults or hangs in the running host is contained: the host
// lives, the pool goes on, and the last good strategy is put back.
#include "host/containment.hpp"
#include "host/strategy_service.hpp"
#include "host/test_waiting.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <future>
#include <thread>

namespace lab::host {
namespace {

using namespace std::chrono_literals;

// A service that lets bad strategies through, over a pool without a database.
struct Lab {
  Lab() {
    char made[] = "/tmp/pool-lab-contain-XXXXXX";
    copies = ::mkdtemp(made);
    StrategyService::Options options;
    options.folders = {POOL_LAB_STRATEGIES, POOL_LAB_BAD_STRATEGIES};
    options.copies = copies;
    options.verifier = POOL_LAB_VERIFIER;
    options.verify = false;
    service = std::make_unique<StrategyService>(clock, pool, options, [] { return std::nullopt; });
  }
  ~Lab() {
    service.reset();
    std::filesystem::remove_all(copies);
  }

  Clock clock;
  LivePool pool{clock, "host=/nonexistent dbname=none user=none", 1};
  std::filesystem::path copies;
  std::unique_ptr<StrategyService> service;
};

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) // their allocators are others
TEST(Containment, TaintsTheHostWhoseMemoryIsDamagedAndSaysWhatTheCLibrarySaid) {
  install_containment();
  Lab lab;
  (void)lab.service->use("bounded_timeout", {});
  EXPECT_THROW((void)lab.service->use("double_free", {}), StrategyRefused);
  EXPECT_TRUE(comes_true([&] { return lab.service->status().tainted; }));
  EXPECT_EQ(lab.service->status().tainted_by, "double_free");
  EXPECT_NE(lab.service->status().problem.find("double free"), std::string::npos)
      << lab.service->status().problem;
}
#endif

class Contained : public ::testing::TestWithParam<const char *> {};

TEST_P(Contained, TheHostLivesAndTheLastGoodOneIsPutBack) {
  static const bool installed = (install_containment(), true);
  (void)installed;
  Lab lab;
  (void)lab.service->use("fixed_tiny", {});
  (void)lab.service->use("bounded_timeout", {{"max", 23}});

  // Requests go on: some strategies fall only then, and what a parked thread
  // holds must not be what they need.
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop) {
      (void)lab.pool.acquire(lab.clock.now() + 1ms, "test");
      std::vector<std::string>(100, std::string(100, 'x')).clear();
    }
  });
  try {
    (void)lab.service->use(GetParam(), {});
  } catch (const StrategyRefused &) {
    // It fell at once. One that looks well at first falls later; both are fine.
  }
  EXPECT_TRUE(comes_true([&] {
    const StrategyStatus status = lab.service->status();
    return status.contained == 1 && status.name == "bounded_timeout" &&
           status.state == StrategyState::contained;
  })) << lab.service->status().name
      << ": " << lab.service->status().problem;
  EXPECT_NE(lab.service->status().problem.find(GetParam()), std::string::npos);
  if (const std::string kind = GetParam(); kind == "crash_in_look" || kind == "hang_in_look") {
    EXPECT_NE(lab.service->status().problem.find(", at 0x"), std::string::npos)
        << lab.service->status().problem;
  }
  EXPECT_FALSE(lab.service->status().tainted);
  EXPECT_EQ(lab.pool.snapshot().plan.max_in_use, 23U) << "with its parameters";
  stop = true;
  busy.join();

  // And the lab goes on: an ordinary swap works.
  (void)lab.service->use("fixed_tiny", {});
  EXPECT_EQ(lab.service->status().state, StrategyState::ok);
  EXPECT_EQ(lab.pool.snapshot().plan.max_in_use, 3U);
}

// The governor falls at a look of its own while orders come: whoever gave one is told.
TEST(Containment, EachOrderIsAnsweredThoughTheGovernorFalls) {
  install_containment();
  Lab lab;
  for (std::uint64_t round = 0; round < 40; ++round) {
    (void)lab.service->use("fixed_tiny", {});
    try {
      (void)lab.service->use("crash_in_look", {});
    } catch (const StrategyRefused &) {
      // The one that is put back came between.
    }
    std::promise<void> answered;
    std::thread orders([&] {
      while (lab.service->status().contained <= round)
        try {
          (void)lab.service->use("fixed_huge", {{"max", 9999}}); // loaded, and refused
        } catch (const StrategyRefused &) {
          continue;
        }
      answered.set_value();
    });
    if (answered.get_future().wait_for(30s) != std::future_status::ready) {
      std::fprintf(stderr, "round %d: an order is not answered\n", static_cast<int>(round));
      std::_Exit(1); // its thread can't be ended
    }
    orders.join();
    if (lab.service->status().tainted) // a load that took a second on this machine: it hung
      return;
    ASSERT_TRUE(comes_true([&] { return lab.service->status().name == "fixed_tiny"; }));
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, Contained,
                         ::testing::Values("crash_in_look", "abort_in_look", "hang_in_look",
                                           "stack_overflow", "throw_across_abi", "slow_look",
                                           "hang_in_create"),
                         [](const auto &kind) { return std::string(kind.param); });

} // namespace
} // namespace lab::host
