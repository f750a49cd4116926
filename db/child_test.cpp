#include "db/child.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lab::db {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

TEST(Child, RunsWithItsArgumentsAsTheyAre) {
  const auto echo = run({.argv = {"printf", "%s|", "a b", "$HOME", "; exit 3", ""}}, 10s);
  EXPECT_TRUE(echo.well());
  EXPECT_EQ(echo.output, "a b|$HOME|; exit 3||");
}

TEST(Child, TellsHowItEnded) {
  EXPECT_EQ(run({.argv = {"sh", "-c", "exit 7"}}, 10s).ended.status, 7);
  const auto killed = run({.argv = {"sh", "-c", "kill -9 $$"}}, 10s);
  EXPECT_EQ(killed.ended.signal, SIGKILL);
  EXPECT_EQ(killed.ended.text(), "was ended by signal 9 (Killed)");
}

TEST(Child, IsEndedWhenItTakesTooLong) {
  const auto start = std::chrono::steady_clock::now();
  const auto slow = run({.argv = {"sleep", "60"}}, 50ms);
  EXPECT_TRUE(slow.timed_out);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 20s);
}

TEST(Child, AProgramThatCanNotBeExecutedIsToldAtOnce) {
  const auto message_of = [](Launch launch) -> std::string {
    try {
      Child child(launch);
    } catch (const std::runtime_error &e) {
      return e.what();
    }
    return "";
  };
  EXPECT_NE(message_of({.argv = {"/nowhere/program"}}).find("No such file"), std::string::npos);
  EXPECT_NE(message_of({.argv = {"no-such-program-at-all"}}).find("not installed"),
            std::string::npos);
  EXPECT_NE(message_of({.argv = {"/etc/passwd"}}).find("Permission denied"), std::string::npos);
}

TEST(Child, LeavesPostgresVariablesBehindAndTakesThoseItIsGiven) {
  ::setenv("PGHOST", "elsewhere", 1);
  ::setenv("DATABASE_URL", "postgresql://elsewhere", 1);
  ::setenv("LAB_TEST_KEPT", "kept", 1);
  const auto seen = run({.argv = {"env"}, .environment = {{"PGPORT", "7"}}}, 10s);
  ::unsetenv("PGHOST");
  ::unsetenv("DATABASE_URL");
  ::unsetenv("LAB_TEST_KEPT");
  EXPECT_EQ(seen.output.find("elsewhere"), std::string::npos);
  EXPECT_NE(seen.output.find("LAB_TEST_KEPT=kept"), std::string::npos);
  EXPECT_NE(seen.output.find("PGPORT=7"), std::string::npos);
}

TEST(Child, InheritsNoDescriptorButThoseItIsPassed) {
  const int stray = ::open("/dev/null", O_RDONLY); // without CLOEXEC
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  Child child({.argv = {"sh", "-c", "echo passed >&5; ls /proc/$$/fd"},
               .out = Output::captured(),
               .pass = {{ends[1], 5}}});
  ::close(ends[1]);
  ASSERT_TRUE(child.wait_for(10s));
  char text[16] = {};
  EXPECT_EQ(::read(ends[0], text, sizeof text), 7);
  EXPECT_STREQ(text, "passed\n");
  EXPECT_EQ(child.output(), "0\n1\n2\n5\n");
  ::close(ends[0]);
  ::close(stray);
}

TEST(Child, StartsWithDefaultSignalsAndAnEmptyMask) {
  sigset_t term, before;
  ::sigemptyset(&term);
  ::sigaddset(&term, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &term, &before);
  const auto old = ::signal(SIGPIPE, SIG_IGN);
  const auto seen = run({.argv = {"grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"}}, 10s);
  ::signal(SIGPIPE, old);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(seen.output, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST(Child, HandsOutLinesAsTheyCome) {
  Child child({.argv = {"sh", "-c", "echo ready; echo and more; exec sleep 60"},
               .own_session = true,
               .out = Output::captured()});
  EXPECT_EQ(child.line(10s), "ready");
  EXPECT_EQ(child.line(10s), "and more");
  EXPECT_EQ(child.line(20ms), std::nullopt);
  EXPECT_FALSE(child.wait_for(0ms));
  child.send(SIGTERM);
  const auto ended = child.wait_for(10s);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->signal, SIGTERM);
}

TEST(Child, AnOwnSessionLeadsItsOwnGroup) {
  Child child({.argv = {"sh", "-c", "sleep 60 & wait"}, .own_session = true});
  EXPECT_EQ(::getsid(child.pid()), child.pid());
  child.send(SIGKILL); // the whole group
  ASSERT_TRUE(child.wait_for(10s));
}

TEST(Child, AppendsItsOutputToAFile) {
  std::string folder = (fs::temp_directory_path() / "lab-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const fs::path file = fs::path(folder) / "a log";
  for (const char *word : {"one", "two"}) {
    Child child({.argv = {"sh", "-c", std::string("echo ") + word + " >&2"},
                 .out = Output::discarded(),
                 .err = Output::appended_to(file)});
    ASSERT_TRUE(child.wait_for(10s));
  }
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  EXPECT_EQ(text.str(), "one\ntwo\n");
  fs::remove_all(folder);
}

TEST(Child, ObeysLimitsAndNiceness) {
  const auto seen = run(
      {.argv = {"sh", "-c", "ulimit -n; nice"}, .nice = 3, .limits = {{RLIMIT_NOFILE, 200}}}, 10s);
  EXPECT_EQ(seen.output, "200\n" + std::to_string(::getpriority(PRIO_PROCESS, 0) + 3) + "\n");
}

TEST(Child, ChangesToTheLabsUserEntirely) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "only root can change user";
  const auto user = lab_user();
  EXPECT_EQ(user.name, "pool-lab");
  EXPECT_NE(user.uid, 0u);
  // From a folder that only root may enter.
  std::string folder = (fs::temp_directory_path() / "lab-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const auto here = fs::current_path();
  fs::current_path(folder);
  const auto seen = run({.argv = {"sh", "-c", "id -un; id -Gn; pwd"}, .user = user}, 10s);
  fs::current_path(here);
  EXPECT_EQ(seen.output, "pool-lab\npool-lab\n/\n");
  fs::remove_all(folder);
}

TEST(LabUser, IsTheCallerWhenThatIsNotRoot) {
  if (::geteuid() == 0)
    GTEST_SKIP() << "called by root";
  EXPECT_EQ(lab_user().uid, ::geteuid());
}

} // namespace
} // namespace lab::db
