// uninstall removes all that the lab made and nothing else, in whatever state it is.
#include <csignal>
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadtest/lab/files.hpp"
#include "loadtest/lab/lab_processes.hpp"
#include "loadtest/lab/test_home.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

// A clone, a home and a folder of records beside each other. Root's calls see a
// copy of /etc, so that the machine's own user pool-lab stays.
class Uninstall : public testing::Test {
protected:
  void SetUp() override {
    fs::create_directories(build_ / "lab");
    std::ofstream(build_ / "lab.log") << "built\n";
    std::ofstream(build_ / "packages.log") << "installed\n";
    std::ofstream(build_ / "release") << "somebody's\n";
    fs::create_directories(folder_.path() / "mine");
    std::ofstream(folder_.path() / "mine" / "precious") << "mine\n";
    ways_.environment = {{"LAB_CLONE", clone_}};
    if (!is_root())
      return;
    ways_.through = {"unshare",
                     "-m",
                     "sh",
                     "-c",
                     fmt::format("test -e '{0}' || cp -a /etc '{0}'; mount --bind '{0}' /etc && "
                                 "exec \"$@\"",
                                 etc_.string()),
                     "sh"};
  }

  TestLab::Said uninstall(std::vector<std::string> more = {"--yes"}) const {
    more.insert(more.begin(), "uninstall");
    return home_.lab(more, ways_);
  }

  TestFolder folder_;
  const fs::path clone_ = folder_.path() / "clone", build_ = clone_ / "build",
                 etc_ = folder_.path() / "etc";
  Ways ways_;
  const TestHome home_{folder_.path() / "homes" / "one", folder_.path() / "work"};
};

TEST_F(Uninstall, RemovesWhatTheLabMadeAndKeepsWhatIsTheLearners) {
  ASSERT_EQ(home_.up().status, 0);
  const auto mine = home_.places().my_strategies() / "mine.so";
  std::ofstream(mine) << "mine\n";
  const auto said = uninstall();
  EXPECT_EQ(said.status, 0) << said.err;
  EXPECT_FALSE(fs::exists(home_.places().home()));
  EXPECT_FALSE(fs::exists(home_.places().records()));
  for (const char *name : {"lab", "lab.log", "packages.log"})
    EXPECT_FALSE(fs::exists(build_ / name)) << name;
  EXPECT_TRUE(fs::exists(build_ / "release"));
  EXPECT_TRUE(fs::exists(mine));
  EXPECT_THAT(said.out, HasSubstr("Kept: "));
  EXPECT_TRUE(lab_processes(home_.places()).empty());

  home_.install(); // as scripts/lab does
  const auto up = home_.up();
  EXPECT_EQ(up.status, 0) << up.err;
}

TEST_F(Uninstall, TakesDownADamagedHomeThatIsHalfUp) {
  ASSERT_EQ(home_.up().status, 0);
  const auto before = lab_processes(home_.places());
  ASSERT_GT(before.size(), 4U);
  for (const LabProcess &one : before)
    if (one.program == "lab agent")
      ::kill(one.id.pid, SIGKILL);
  for (const auto &record : {home_.places().host_record(), home_.places().agent_lock()})
    fs::remove(record);
  std::ofstream(home_.places().state()) << "{ damaged";
  std::ofstream(home_.places().home() / "page-load.log") << "as the page starts a load\n";
  fs::remove(home_.places().postgres_folder() / "data" / "postmaster.pid");
  const auto said = uninstall();
  EXPECT_EQ(said.status, 0) << said.err;
  EXPECT_FALSE(fs::exists(home_.places().home()));
  for (const LabProcess &one : before)
    EXPECT_FALSE(alive(one.id)) << one.program;
}

TEST_F(Uninstall, AsksAndTakesNoForAnAnswer) {
  const auto silent = uninstall({});
  EXPECT_EQ(silent.status, 64);
  EXPECT_TRUE(is_one_line(silent.err)) << silent.err;
  EXPECT_THAT(silent.err, HasSubstr("--yes"));
  // On a terminal, as script(1) makes one.
  Ways asked = ways_;
  asked.environment.merge(home_.places().environment());
  for (const char *answer : {"n", "y"}) {
    const auto said = run_apart({"sh", "-c",
                                 fmt::format("echo {} | script -qec \"'{}' uninstall\" /dev/null",
                                             answer, home_.places().program("lab").string())},
                                asked);
    EXPECT_THAT(said.out, HasSubstr("Go on?"));
    EXPECT_EQ(fs::exists(home_.places().home()), *answer == 'n') << said.out;
  }
}

TEST_F(Uninstall, FollowsNoLink) {
  fs::remove_all(build_ / "lab");
  fs::create_directory_symlink(folder_.path() / "mine", build_ / "lab");
  fs::create_directories(home_.places().work());
  fs::create_directory_symlink(folder_.path() / "mine", home_.places().records());
  fs::create_directory_symlink(folder_.path() / "mine", home_.places().home() / "pg");
  const auto said = uninstall();
  EXPECT_EQ(said.status, 0) << said.err;
  EXPECT_TRUE(fs::exists(folder_.path() / "mine" / "precious"));
  EXPECT_FALSE(fs::exists(home_.places().home()));
  EXPECT_FALSE(fs::is_symlink(home_.places().records()));
}

TEST_F(Uninstall, WhatIsNotTheLabsStaysWithItsFolder) {
  const fs::path theirs = home_.places().home() / "thesis.txt";
  std::ofstream(theirs) << "mine\n";
  const auto said = uninstall();
  EXPECT_EQ(said.status, 64);
  EXPECT_THAT(said.err, HasSubstr("thesis.txt in it is not the lab's"));
  EXPECT_TRUE(fs::exists(theirs));
  EXPECT_FALSE(fs::exists(home_.places().app()));
}

TEST_F(Uninstall, RefusesAFolderThatIsNoLabsHome) {
  const auto refused = [this](const fs::path &home, const std::string &why, Ways ways) {
    ways.environment["LAB_HOME"] = home;
    const auto said = home_.lab({"uninstall", "--yes"}, ways);
    EXPECT_EQ(said.status, 64) << home;
    EXPECT_TRUE(is_one_line(said.err)) << said.err;
    EXPECT_THAT(said.err, HasSubstr(why));
  };
  refused("/", "the root of all folders", ways_);
  refused(folder_.path() / "mine", "app/bin/lab", ways_);
  refused(folder_.path(), "the clone stands in it", ways_);
  Ways lives_there = ways_;
  lives_there.environment["HOME"] = home_.places().home();
  refused(home_.places().home(), "your own home", lives_there);
  fs::create_directory_symlink(home_.places().home(), folder_.path() / "link");
  refused(folder_.path() / "link", "it is a link", ways_);
  EXPECT_TRUE(fs::exists(home_.places().program("lab")));
  EXPECT_TRUE(fs::exists(folder_.path() / "mine" / "precious"));
}

// In a process space of its own, where no other lab's processes are seen.
TEST_F(Uninstall, TheSystemUserGoesWithTheLastLabOfRoot) {
  if (!is_root())
    GTEST_SKIP() << "only root's labs have a user of their own";
  ASSERT_EQ(home_.up().status, 0); // which makes the user, where it is not there
  ASSERT_EQ(home_.lab({"down"}).status, 0);
  Ways alone = ways_;
  alone.through.insert(alone.through.begin(), {"unshare", "-m", "-p", "-f", "--mount-proc"});
  // As the only lab of this machine, apart from another in the same folder.
  alone.through[9] =
      "mkdir -p /var/lib/pool-lab; mount -t tmpfs none /var/lib/pool-lab && " + alone.through[9];
  const auto conf = etc_ / "postgresql-common" / "createcluster.d" / "pool-lab.conf";
  const auto users = [&] { return text_of_file(etc_ / "passwd").value_or(""); };
  fs::copy("/etc", etc_, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  fs::create_directories(conf.parent_path());
  std::ofstream(conf) << "create_main_cluster = false\n";
  ASSERT_THAT(users(), HasSubstr("pool-lab:"));

  fs::create_directories(folder_.path() / "homes" / "other" / "pg");
  EXPECT_EQ(home_.lab({"uninstall", "--yes"}, alone).status, 0);
  EXPECT_THAT(users(), HasSubstr("pool-lab:")) << "the other one needs it";
  EXPECT_TRUE(fs::exists(conf));

  fs::remove_all(folder_.path() / "homes" / "other");
  home_.install();
  const auto said = home_.lab({"uninstall", "--yes"}, alone);
  EXPECT_EQ(said.status, 0) << said.err;
  EXPECT_THAT(users(), Not(HasSubstr("pool-lab:"))) << said.out;
  EXPECT_FALSE(fs::exists(conf));
}

} // namespace
} // namespace lab::cli
