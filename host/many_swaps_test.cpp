// Swaps by the thousand under load, each to a build that was never seen before: no job is
// lost, every old library is gone, memory, descriptors and threads stay, and requests hardly
// notice. 200 in every run, 2,000 with LAB_TEST_FULL, as many as LAB_SWAPS says.
#include "host/test_client.hpp"
#include "host/test_host.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <sys/stat.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace lab::host {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// More than the plan's ten connections, so that some wait; each is held long enough that the
// pool is full long before the processor is, so that a wait tells of the pool.
constexpr int clients = 16;
constexpr auto job = R"({"kind":"submit","hold_ms":25})";
constexpr auto phase = 2s;
constexpr auto between_swaps = 50ms;

int swaps_wanted() {
  if (const char *swaps = std::getenv("LAB_SWAPS"))
    return std::max(100, std::atoi(swaps));
  return std::getenv("LAB_TEST_FULL") ? 2000 : 200;
}

double at_percent(std::vector<double> values, double percent) {
  if (values.empty())
    return 0;
  std::sort(values.begin(), values.end());
  const auto at = static_cast<std::size_t>(percent / 100 * static_cast<double>(values.size()));
  return values[std::min(at, values.size() - 1)];
}

// "... wait;dur=0.012, ..." of Server-Timing, in milliseconds; -1 when it is not told.
double wait_of(const Reply &reply) {
  const std::size_t at = reply.headers.find("wait;dur=");
  return at == std::string::npos ? -1 : std::strtod(reply.headers.c_str() + at + 9, nullptr);
}

// Jobs without a pause; of each, how long it waited for its connection, kept apart by
// whether swaps went on.
class Load {
public:
  explicit Load(std::uint16_t port) {
    for (int i = 0; i < clients; ++i)
      threads_.emplace_back([this, port](const std::stop_token &stop) {
        TestClient client(port);
        while (!stop.stop_requested()) {
          const int kind = kind_;
          const Reply reply = client.http("POST", "/lab/hold", job);
          ++(reply.status >= 200 && reply.status < 300 ? well : badly);
          if (kind == kind_) { // wholly inside of one
            const std::lock_guard lock(mutex_);
            waits_[kind].push_back(wait_of(reply));
          }
        }
      });
  }

  void swapping(bool now) { kind_ = now ? 1 : 0; }
  std::vector<double> take(bool swapping) {
    const std::lock_guard lock(mutex_);
    return std::exchange(waits_[swapping ? 1 : 0], {});
  }

  std::atomic<int> well{0}, badly{0};

private:
  std::atomic<int> kind_{0};
  std::mutex mutex_;
  std::vector<double> waits_[2];
  std::vector<std::jthread> threads_;
};

// A folder with two strategies of the same plan, so that only the swaps differ, whose builds are
// always new: a byte behind its end changes a library's content and nothing else.
class Builds {
public:
  Builds() {
    std::string made = (fs::temp_directory_path() / "pool-lab-swaps-XXXXXX").string();
    folder_ = ::mkdtemp(made.data());
    ::chmod(folder_.c_str(), 0755); // the host may be another user's
    for (const char *name : {"first", "second"})
      renew(name);
  }
  ~Builds() { fs::remove_all(folder_); }

  const fs::path &folder() const { return folder_; }

  void renew(const std::string &name) {
    const fs::path fresh = folder_ / "fresh";
    fs::copy_file(fs::path(POOL_LAB_STRATEGIES) / "bounded_timeout.so", fresh,
                  fs::copy_options::overwrite_existing);
    std::ofstream(fresh, std::ios::binary | std::ios::app) << ++number_;
    fs::rename(fresh, folder_ / (name + ".so"));
  }

private:
  fs::path folder_;
  int number_ = 0;
};

struct Footprint {
  long rss_kb = 0, descriptors = 0, threads = 0;

  explicit Footprint(const TestHost &host) {
    std::ifstream in(fmt::format("/proc/{}/status", host.pid()));
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("VmRSS:"))
        rss_kb = std::stol(line.substr(6));
      if (line.starts_with("Threads:"))
        threads = std::stol(line.substr(8));
    }
    const fs::path folder = fmt::format("/proc/{}/fd", host.pid());
    descriptors = std::distance(fs::directory_iterator(folder), fs::directory_iterator());
  }
};

TEST(ManySwaps, CostNoJobLeaveNothingBehindAndAreHardlyNoticed) {
  Builds builds;
  const TestHost host({builds.folder()}, "first");
  Load load(host.port());
  const int wanted = swaps_wanted();
  std::vector<double> took, ratios;
  long rss_after_quarter = 0;
  Footprint begun(host);
  for (int swap = 0; swap < wanted;) {
    // Without, then with: the machine is the same for both.
    load.swapping(false);
    std::this_thread::sleep_for(phase);
    load.swapping(true);
    const auto began = Clock::now();
    for (auto due = began; due < began + phase && swap < wanted; due += between_swaps, ++swap) {
      std::this_thread::sleep_until(due);
      const std::string name = swap % 2 == 0 ? "second" : "first";
      builds.renew(name);
      const auto asked = Clock::now();
      const Reply reply =
          host.http("PUT", "/api/v1/strategy", fmt::format(R"({{"name":"{}"}})", name));
      took.push_back(std::chrono::duration<double, std::milli>(Clock::now() - asked).count());
      ASSERT_EQ(reply.status, 200) << reply.body;
      ASSERT_EQ(reply.json()["unmapped"], true) << reply.body;
      if (swap == wanted / 4) {
        rss_after_quarter = Footprint(host).rss_kb;
        begun = Footprint(host);
      }
    }
    load.swapping(false);
    const double without = at_percent(load.take(false), 99), with = at_percent(load.take(true), 99);
    if (without > 0 && with > 0)
      ratios.push_back(with / without);
  }
  const Footprint ended(host);
  EXPECT_EQ(host.mapped_copies().size(), 1U);
  EXPECT_EQ(load.badly, 0);
  EXPECT_GT(load.well, wanted);
  const double growth = 100.0 * static_cast<double>(ended.rss_kb - rss_after_quarter) /
                        static_cast<double>(rss_after_quarter);
  fmt::print(
      "{} swaps, {} jobs, {} lost; request to plan in force p50 {:.1f}, p99 {:.1f}, max {:.1f} ms; "
      "wait p99 with swaps against without, median of {} pairs: {:.2f}; memory {:+.1f} % since the "
      "first quarter, descriptors {} -> {}, threads {} -> {}\n",
      wanted, load.well.load(), load.badly.load(), at_percent(took, 50), at_percent(took, 99),
      at_percent(took, 100), ratios.size(), at_percent(ratios, 50), growth, begun.descriptors,
      ended.descriptors, begun.threads, ended.threads);
  EXPECT_LE(ended.descriptors, begun.descriptors + 2);
  EXPECT_LE(ended.threads, begun.threads + 1);
  EXPECT_LE(growth, 10);
  if (wanted >= 2000) { // else there are too few pairs to say
    EXPECT_LE(at_percent(took, 99), 100);
    EXPECT_LE(at_percent(ratios, 50), 2);
  }
}

} // namespace
} // namespace lab::host
