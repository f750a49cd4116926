#include "db/cluster_processes.hpp"
#include "db/monitor.hpp"
#include "db/test_postgres.hpp"

#include <chrono>
#include <csignal>
#include <functional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace lab::db {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

TEST(MonitorTest, ReadsTheServersNumbers) {
  auto &server = TestPostgres::shared();
  server.postgres().reset();
  Monitor monitor(server.postgres().conninfo_admin("pool_lab monitor"));
  const auto before = monitor.read();
  ASSERT_TRUE(before) << monitor.last_error();
  EXPECT_EQ(before->max_connections, 100);
  EXPECT_EQ(before->reserved, 3);
  EXPECT_EQ(before->pending_jobs, 10000);

  const auto ours = server.connect_jobs("pool_lab host"), other = server.connect_jobs("other");
  const auto after = monitor.read();
  ASSERT_TRUE(after);
  EXPECT_EQ(after->total, before->total + 2);
  EXPECT_EQ(after->ours, before->ours + 1);
}

TEST(MonitorTest, EntersAtTheCeiling) {
  auto &server = TestPostgres::shared();
  std::vector<std::unique_ptr<Connection>> all;
  EXPECT_THROW(
      {
        for (int i = 0; i < 200; ++i)
          all.push_back(server.connect_jobs("ceiling"));
      },
      ConnectRefused);
  Monitor monitor(server.postgres().conninfo_admin("pool_lab monitor"), "ceiling");
  const auto numbers = monitor.read();
  ASSERT_TRUE(numbers) << monitor.last_error();
  EXPECT_EQ(numbers->ours, static_cast<int>(all.size()));
  EXPECT_GE(numbers->total, 97);
}

TEST(MonitorTest, AFrozenServerHoldsItUpOnlyForItsLimit) {
  auto &server = TestPostgres::shared();
  Monitor monitor(server.postgres().conninfo_admin("pool_lab monitor"));
  ASSERT_TRUE(monitor.read());
  const auto processes = processes_in(server.postgres().data());
  for (const pid_t pid : processes)
    ::kill(pid, SIGSTOP);
  const auto start = Clock::now();
  EXPECT_FALSE(monitor.read());
  EXPECT_NE(monitor.last_error().find("did not answer"), std::string::npos);
  EXPECT_FALSE(monitor.read()); // connects, in vain
  EXPECT_LT(Clock::now() - start, 10s);
  for (const pid_t pid : processes)
    ::kill(pid, SIGCONT);
  for (int attempt = 0; attempt < 20 && !monitor.read(); ++attempt)
    std::this_thread::sleep_for(50ms);
  EXPECT_EQ(monitor.last_error(), "");
}

} // namespace
} // namespace lab::db
