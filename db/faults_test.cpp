#include "db/cluster_processes.hpp"
#include "db/faults.hpp"
#include "db/test_postgres.hpp"

#include <chrono>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace lab::db {
namespace {

using namespace std::chrono_literals;

// "T" in /proc: stopped.
bool all_stopped(const PrivatePostgres &postgres) {
  const auto pids = processes_in(postgres.data());
  if (pids.empty())
    return false;
  for (const pid_t pid : pids) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(file, text);
    if (text.find(") T ") == std::string::npos)
      return false;
  }
  return true;
}

bool eventually(const std::function<bool()> &holds) {
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

TEST(Faults, AKilledServerIsGoneAndStartsAgain) {
  TestPostgres &server = TestPostgres::shared();
  const auto connection = server.connect_jobs();
  kill_server(server.postgres());
  EXPECT_FALSE(server.postgres().pid());
  EXPECT_TRUE(processes_in(server.postgres().data()).empty());
  EXPECT_TRUE(server.postgres().problem());
  EXPECT_THROW(kill_server(server.postgres()), std::runtime_error) << "there is none any more";
  EXPECT_THROW(Freeze{server.postgres()}, std::runtime_error);
  server.postgres().start();
  EXPECT_NO_THROW(server.connect_jobs());
}

TEST(Faults, AFreezeHaltsAllAndEndsWithItsObject) {
  PrivatePostgres &postgres = TestPostgres::shared().postgres();
  const auto connection = TestPostgres::shared().connect_jobs();
  {
    const Freeze frozen(postgres);
    EXPECT_TRUE(eventually([&] { return all_stopped(postgres); }));
    EXPECT_THROW(connect(postgres.conninfo_jobs(), 300ms), ConnectRefused);
    EXPECT_TRUE(connection->alive()) << "its socket stays open";
  }
  EXPECT_NO_THROW(connect(postgres.conninfo_jobs(), 5s));
}

TEST(Faults, AThawEndsAFreezeOfAProgramThatIsGone) {
  PrivatePostgres &postgres = TestPostgres::shared().postgres();
  const Freeze frozen(postgres);
  thaw(postgres);
  EXPECT_NO_THROW(connect(postgres.conninfo_jobs(), 5s));
}

} // namespace
} // namespace lab::db
