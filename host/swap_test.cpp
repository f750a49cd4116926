// Swapping costs requests nothing, and leaves nothing of the old behind.
#include "host/test_host.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lab::host {
namespace {

namespace fs = std::filesystem;

// Clients that ask without a pause until they are told to stop.
class Load {
public:
  Load(const TestHost &host, int clients) {
    for (int i = 0; i < clients; ++i)
      threads_.emplace_back([this, &host] {
        while (!stop_) {
          const Reply reply = host.http("POST", "/jobs", R"({"type":"send_email"})");
          ++(reply.status == 201 ? well : badly);
        }
      });
  }
  void finish() {
    stop_ = true;
    for (std::thread &thread : threads_)
      thread.join();
    threads_.clear();
  }
  ~Load() { finish(); }

  std::atomic<int> well{0};
  std::atomic<int> badly{0};

private:
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

TEST(Swap, AHundredUnderLoadCostNoAnswerAndLeaveNothingMapped) {
  const TestHost host;
  Load load(host, 8);
  const char *names[] = {"adaptive", "bounded_timeout"};
  for (int i = 0; i < 100; ++i) {
    const std::string name = names[i % 2];
    const Reply reply =
        host.http("PUT", "/api/v1/strategy", fmt::format(R"({{"name":"{}"}})", name));
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.json()["to"], name);
    EXPECT_EQ(reply.json()["unmapped"], true);
    const auto mapped = host.mapped_copies();
    ASSERT_EQ(mapped.size(), 1U) << "swap " << i;
    EXPECT_EQ(mapped[0].rfind(name, 0), 0U) << mapped[0];
  }
  load.finish();
  EXPECT_EQ(load.badly, 0);
  EXPECT_GT(load.well, 100);
}

TEST(Swap, ANewBuildIsInForceAfterTheSwap) {
  char made[] = "/tmp/pool-lab-swap-XXXXXX";
  const fs::path folder = ::mkdtemp(made);
  const auto install = [&](const char *build) {
    const fs::path fresh = folder / "fresh";
    fs::copy_file(fs::path(POOL_LAB_FIXTURES) / build, fresh, fs::copy_options::overwrite_existing);
    fs::rename(fresh, folder / "mine.so"); // as a linker's output is put in place
  };
  install("constant_11.so");
  {
    const TestHost host({fs::path(POOL_LAB_STRATEGIES), folder}, "mine");
    const auto limit = [&] {
      return host.http("GET", "/api/v1/pool").json()["plan"]["max_in_use"];
    };
    EXPECT_EQ(limit(), 11);
    install("constant_12.so");
    const Reply reply = host.http("PUT", "/api/v1/strategy", R"({"name":"mine"})");
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.json()["unmapped"], true);
    EXPECT_EQ(limit(), 12);
  }
  fs::remove_all(folder);
}

TEST(Swap, TheSameBuildChangesParametersOnly) {
  const TestHost host;
  const Reply reply =
      host.http("PUT", "/api/v1/strategy", R"({"name":"bounded_timeout","params":{"max":17}})");
  EXPECT_EQ(reply.json()["swapped"], false);
  EXPECT_EQ(host.http("GET", "/api/v1/pool").json()["plan"]["max_in_use"], 17);
}

TEST(Swap, ARefusedStrategyLeavesTheOneInForce) {
  const TestHost host({fs::path(POOL_LAB_STRATEGIES), fs::path(POOL_LAB_BAD_STRATEGIES)});
  const Reply reply = host.http("PUT", "/api/v1/strategy", R"({"name":"crash_in_look"})");
  EXPECT_EQ(reply.status, 409);
  EXPECT_EQ(reply.code(), "strategy_refused");
  EXPECT_EQ(host.http("GET", "/api/v1/strategy").json()["name"], "bounded_timeout");
  EXPECT_EQ(host.http("GET", "/api/v1/strategy").json()["state"], "ok");
}

} // namespace
} // namespace lab::host
