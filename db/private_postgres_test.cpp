#include "db/cluster_processes.hpp"
#include "db/jobs.hpp"
#include "db/private_postgres.hpp"
#include "db/statement.hpp"
#include "db/test_postgres.hpp"

#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lab::db {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

std::string answer(Connection &connection, const std::string &sql) {
  return running(connection, Effect::nothing, [&] {
    pqxx::nontransaction autocommit(connection.raw());
    return std::string(autocommit.exec(sql)[0][0].c_str());
  });
}

std::string message_of(const std::function<void()> &work) {
  try {
    work();
  } catch (const std::exception &e) {
    return e.what();
  }
  return "";
}

TEST(PrivatePostgresTest, IsAsShippedButForItsDoor) {
  auto &server = TestPostgres::shared();
  const auto admin = server.connect_admin();
  EXPECT_EQ(answer(*admin, "SHOW max_connections"), "100");
  EXPECT_EQ(answer(*admin, "SHOW superuser_reserved_connections"), "3");
  EXPECT_EQ(answer(*admin, "SHOW fsync"), "on");
  EXPECT_EQ(answer(*admin, "SHOW listen_addresses"), "");
  EXPECT_EQ(answer(*admin, "SHOW unix_socket_permissions"), "0700");
  EXPECT_EQ(answer(*admin, "SHOW server_encoding"), "UTF8");
  EXPECT_EQ(answer(*admin, "SELECT count(*) FROM pg_hba_file_rules "
                           "WHERE auth_method <> 'scram-sha-256'"),
            "0");
  struct stat passwords {};
  ASSERT_EQ(::stat(server.postgres().passfile().c_str(), &passwords), 0);
  EXPECT_EQ(passwords.st_mode & 0777, 0600u);
  EXPECT_NE(passwords.st_uid, 0u);
}

TEST(PrivatePostgresTest, EveryRoleMayDoItsOwnWorkOnly) {
  auto &server = TestPostgres::shared();
  const auto jobs = server.connect_jobs();
  EXPECT_EQ(answer(*jobs, "SHOW is_superuser"), "off");
  EXPECT_THROW(answer(*jobs, "DELETE FROM jobs RETURNING id"), StatementError);
  EXPECT_THROW(answer(*jobs, "CREATE TABLE x ()"), StatementError);
  const auto neighbour = connect(server.postgres().conninfo_neighbour(), 5s);
  EXPECT_EQ(answer(*neighbour, "SELECT 1"), "1");
  EXPECT_THROW(answer(*neighbour, "SELECT count(*) FROM jobs"), StatementError);
}

TEST(PrivatePostgresTest, ResetRestoresTheSeedExactlyAndQuickly) {
  auto &server = TestPostgres::shared();
  const auto state = [&] {
    const auto admin = server.connect_admin();
    return answer(*admin, "SELECT concat_ws(' ', count(*), min(id), max(id), "
                          "count(DISTINCT type), count(DISTINCT priority), "
                          "count(DISTINCT created_at), count(*) FILTER (WHERE status = 'pending'), "
                          "md5(string_agg(concat_ws(',', id, type, payload, priority, "
                          "(SELECT max(created_at) FROM jobs) - created_at), ';' ORDER BY id)), "
                          "(SELECT string_agg(concat_ws(',', id, name, jobs_processed), ';' "
                          "ORDER BY id) FROM workers)) FROM jobs");
  };
  server.postgres().reset();
  const auto seeded = state();
  EXPECT_TRUE(seeded.starts_with("10000 1 10000 5 10 10000 10000 ")) << seeded;
  EXPECT_TRUE(seeded.ends_with("1,worker-1,0;2,worker-2,0;3,worker-3,0;4,worker-4,0;5,worker-5,0"))
      << seeded;

  const auto jobs = server.connect_jobs();
  for (int i = 0; i < 50; ++i) {
    insert_job(*jobs, {"send_email"});
    claim_next_job(*jobs);
  }
  EXPECT_NE(state(), seeded);
  const auto start = Clock::now();
  server.postgres().reset();
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
  RecordProperty("reset_ms", std::to_string(took.count()));
  EXPECT_LT(took, 5s); // well under 0.5 s; how fast exactly is no test's business
  EXPECT_EQ(state(), seeded);
  EXPECT_EQ(insert_job(*jobs, {"send_email"}).id, 10001);
  server.postgres().reset(PrivatePostgres::Checkpoint::yes);
  EXPECT_EQ(state(), seeded);
}

TEST(PrivatePostgresTest, KnowsHowBusyItWas) {
  auto &server = TestPostgres::shared();
  const auto before = server.postgres().total_cpu_seconds();
  ASSERT_TRUE(before);
  {
    const auto jobs = server.connect_jobs();
    answer(*jobs, "SELECT sum(sqrt(n)) FROM generate_series(1, 3000000) AS n");
  } // its backend's time must not go with it
  for (int attempt = 0; attempt < 200; ++attempt) {
    if (*server.postgres().total_cpu_seconds() > *before + 0.1)
      return;
    std::this_thread::sleep_for(10ms);
  }
  FAIL() << "no processor time was counted";
}

// One cluster through its life, in a folder that needs quoting wherever it is named.
TEST(PrivatePostgresTest, LivesInAnOddFolderAndThroughACrash) {
  TestPostgres server("it's: $a \\ \"folder\"");
  auto &postgres = server.postgres();
  const auto first = postgres.pid();
  ASSERT_TRUE(first);
  insert_job(*server.connect_jobs(), {"send_email"});

  postgres.start(); // does nothing
  postgres.ensure_database();
  EXPECT_EQ(postgres.pid(), first);

  const auto held = server.connect_jobs();
  ::kill(*first, SIGKILL);
  while (postgres.pid())
    std::this_thread::sleep_for(1ms);
  postgres.start();
  EXPECT_TRUE(postgres.pid());
  EXPECT_NE(postgres.pid(), first);
  EXPECT_FALSE(held->alive());
  EXPECT_EQ(job_stats(*server.connect_jobs()).pending, 10001);

  // Its number belongs to some other program by now: here to this one.
  const auto pid_file = postgres.data() / "postmaster.pid";
  std::ostringstream recorded;
  recorded << std::ifstream(pid_file).rdbuf();
  postgres.stop();
  EXPECT_FALSE(postgres.pid());
  const auto text = recorded.str();
  std::ofstream(pid_file) << ::getpid() << text.substr(text.find('\n'));
  EXPECT_FALSE(postgres.pid());
  postgres.start();

  // A frozen server can be stopped.
  for (const pid_t pid : processes_in(postgres.data()))
    ::kill(pid, SIGSTOP);
  postgres.stop();
  EXPECT_FALSE(postgres.pid());
  postgres.stop(); // does nothing

  // What prevents a start is told in one line.
  std::ofstream(postgres.data() / "postgresql.conf", std::ios::app)
      << "shared_buffers = nonsense\n";
  const auto message = message_of([&] { postgres.start(); });
  EXPECT_NE(message.find("did not start"), std::string::npos) << message;
  EXPECT_NE(message.find("postgresql.conf"), std::string::npos) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
}

class PrivatePostgresFolderTest : public ::testing::Test {
protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "lab-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    home = name;
    fs::permissions(home, fs::perms(0711));
  }
  void TearDown() override { fs::remove_all(home); }

  std::string refusal(const fs::path &folder) {
    return message_of([&] { PrivatePostgres(folder, home, lab_user()).ensure_initialised(); });
  }

  fs::path home;
};

TEST_F(PrivatePostgresFolderTest, ASocketPathThatIsTooLongIsRefusedBeforeAnythingIsMade) {
  const auto folder = home / std::string(100, 'x');
  const auto message = refusal(folder);
  EXPECT_NE(message.find("too long"), std::string::npos) << message;
  EXPECT_NE(message.find("LAB_HOME"), std::string::npos) << message;
  EXPECT_FALSE(fs::exists(folder));
}

TEST_F(PrivatePostgresFolderTest, ACommaIsRefused) {
  EXPECT_NE(refusal(home / "a,b").find("comma"), std::string::npos);
}

TEST_F(PrivatePostgresFolderTest, AFolderThatItsUserMayNotEnterIsNamed) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "PostgreSQL runs as another user only when root calls";
  fs::permissions(home, fs::perms(0700));
  const auto message = refusal(home / "pg");
  EXPECT_NE(message.find("may not enter " + home.string()), std::string::npos) << message;
}

TEST_F(PrivatePostgresFolderTest, WhatIsNotItsOwnIsLeftAlone) {
  const auto folder = home / "pg";
  fs::create_directories(folder / "data");
  if (::geteuid() == 0) {
    const auto message = refusal(folder);
    EXPECT_NE(message.find("belongs to user 0"), std::string::npos) << message;
    const auto user = lab_user();
    ASSERT_EQ(::chown(folder.c_str(), user.uid, user.gid), 0);
  }
  const auto message = refusal(folder);
  EXPECT_NE(message.find("is no cluster of PostgreSQL 15"), std::string::npos) << message;
}

} // namespace
} // namespace lab::db
