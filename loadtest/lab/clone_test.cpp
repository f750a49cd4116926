// scripts/lab in clones of several kinds: an ordinary user's, one that only root may
// enter, long paths, blanks, none to write in. What a build costs is left out: a
// stub of cmake installs the build that this test belongs to. The real build is
// tried with LAB_TEST_FULL.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadtest/lab/files.hpp"
#include "loadtest/lab/lab_processes.hpp"
#include "loadtest/lab/ports.hpp"
#include "loadtest/lab/test_home.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

// Over 200 characters, with blanks and a quote.
const std::string long_name = "it's a " + std::string(100, 'l') + "/" + std::string(100, 'p');

void copy_clone(const fs::path &clone) {
  fs::create_directories(clone);
  const auto copied = db::run(
      {.argv = {"sh", "-c",
                "cd \"$0\" && tar -cf - --exclude=./build --exclude=./.git --exclude=./.lab "
                "--exclude=./my . | tar -xf - --no-same-owner -C \"$1\"",
                LAB_SOURCE, clone}},
      std::chrono::seconds(60));
  if (!copied.well())
    throw std::runtime_error(copied.output);
}

// cmake and ninja that build nothing and install what is built already.
void make_stubs(const fs::path &bin, const fs::path &app) {
  fs::create_directories(bin);
  const auto installed = db::run({.argv = {LAB_CMAKE, "--install", LAB_BUILD, "--prefix", app}},
                                 std::chrono::seconds(60));
  if (!installed.well())
    throw std::runtime_error(installed.output);
  std::ofstream(bin / "ninja") << "#!/bin/sh\n";
  std::ofstream(bin / "cmake") << fmt::format(R"(#!/bin/sh
case $1 in
--preset) mkdir -p build/lab && : >build/lab/build.ninja ;;
--install) mkdir -p "$4" && cp -R --remove-destination '{}/.' "$4/" ;;
esac
)",
                                              app.string());
  for (const char *name : {"ninja", "cmake"})
    ::chmod((bin / name).c_str(), 0755);
}

class Clone : public testing::Test {
protected:
  void SetUp() override { make_stubs(folder_.path() / "bin", folder_.path() / "app"); }

  TestLab::Said scripts_lab(const std::vector<std::string> &arguments) const {
    std::vector<std::string> argv = {clone_ / "scripts" / "lab"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    return run_apart(argv, ways_);
  }
  void with_stubs() {
    ways_.environment["PATH"] =
        fmt::format("{}:/usr/sbin:/usr/bin:/sbin:/bin", (folder_.path() / "bin").string());
  }

  TestFolder folder_;
  fs::path clone_;
  Ways ways_;
  const unsigned short port_ =
      free_port_after(static_cast<unsigned short>(34'000 + ::getpid() % 100));
};

TEST_F(Clone, OfRootInAFolderThatOnlyRootMayEnterAndALongPath) {
  if (!is_root())
    GTEST_SKIP() << "this is about root";
  const auto closed = folder_.path() / "closed";
  clone_ = closed / long_name;
  copy_clone(clone_);
  fs::permissions(closed, fs::perms::owner_all);
  with_stubs();
  const auto home = folder_.path() / "home"; // never the real one of root
  ways_.environment["LAB_HOME"] = home;
  const auto not_built = scripts_lab({"doctor"});
  EXPECT_EQ(not_built.status, 64);
  EXPECT_THAT(not_built.err, HasSubstr("not built: run scripts/lab"));

  const auto up = scripts_lab({"up", "--port", std::to_string(port_)});
  ASSERT_EQ(up.status, 0) << up.err;
  const auto status = scripts_lab({"status", "--json"});
  EXPECT_EQ(status.status, 0) << status.out;
  struct stat host {};
  ASSERT_EQ(::stat(fmt::format("/proc/{}", json::parse(status.out)["host_pid"].get<int>()).c_str(),
                   &host),
            0);
  EXPECT_NE(host.st_uid, 0U) << "only lab and agent stay root";
  EXPECT_EQ(scripts_lab({"use", "bounded_timeout"}).status, 0);
  EXPECT_THAT(scripts_lab({"load", "hold", "--seconds", "1", "--warm-up", "0"}).status,
              testing::AnyOf(0, 2)); // invalid, when others need the processor

  // Its own /etc, so that the machine's user pool-lab stays.
  const auto etc = folder_.path() / "etc";
  ways_.through = {
      "unshare",
      "-m",
      "sh",
      "-c",
      fmt::format("cp -a /etc '{0}' && mount --bind '{0}' /etc && exec \"$@\"", etc.string()),
      "sh"};
  const auto gone = scripts_lab({"uninstall", "--yes"});
  ways_.through.clear();
  EXPECT_EQ(gone.status, 0) << gone.err;
  EXPECT_FALSE(fs::exists(home));
  EXPECT_FALSE(fs::exists(clone_ / ".lab"));
  EXPECT_FALSE(fs::exists(clone_ / "build" / "lab"));
  EXPECT_TRUE(fs::exists(clone_ / "my" / "strategies"));
  const auto again = scripts_lab({"up", "--port", std::to_string(port_)});
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(scripts_lab({"down"}).status, 0);
}

TEST_F(Clone, ThatCannotBeWrittenIsTold) {
  if (!is_root())
    GTEST_SKIP() << "mounting needs root";
  clone_ = folder_.path() / "clone";
  copy_clone(clone_);
  with_stubs();
  ways_.environment["LAB_HOME"] = folder_.path() / "home";
  ways_.through = {"unshare",
                   "-m",
                   "sh",
                   "-c",
                   fmt::format("mount --bind '{0}' '{0}' && mount -o remount,ro,bind '{0}' && "
                               "exec \"$@\"",
                               clone_.string()),
                   "sh"};
  auto said = scripts_lab({"up"});
  EXPECT_EQ(said.status, 64);
  EXPECT_TRUE(is_one_line(said.err)) << said.err;
  EXPECT_THAT(said.err, HasSubstr("clone to a folder of your own"));

  ways_.through = {};
  ways_.environment["LAB_HOME"] = "/proc/no/home"; // nobody can make that
  said = scripts_lab({"up"});
  EXPECT_EQ(said.status, 64);
  EXPECT_TRUE(is_one_line(said.err)) << said.err;
  EXPECT_THAT(said.err, HasSubstr("set LAB_HOME"));
}

TEST_F(Clone, WhoseHomeFindsNoRoomIsTold) {
  if (!is_root())
    GTEST_SKIP() << "a small file system needs root";
  clone_ = folder_.path() / "clone";
  copy_clone(clone_);
  with_stubs();
  const TestDisk disk(folder_.path() / "home", 1);
  ways_.environment["LAB_HOME"] = folder_.path() / "home";
  const auto said = scripts_lab({"up", "--port", std::to_string(port_)});
  EXPECT_EQ(said.status, 64);
  EXPECT_THAT(said.err, HasSubstr((folder_.path() / "home").string() + " is full"));
  disk.resize(400);
  const auto up = scripts_lab({"up", "--port", std::to_string(port_)});
  EXPECT_EQ(up.status, 0) << up.err;
  EXPECT_EQ(scripts_lab({"down"}).status, 0);
}

// A user of this machine, for as long as the test lasts.
class OrdinaryUser : public Clone {
protected:
  void SetUp() override {
    if (!is_root())
      GTEST_SKIP() << "adding a user needs root; called by an ordinary one, all other tests try it";
    Clone::SetUp();
    name_ = fmt::format("lab-test-{}", ::getpid());
    const auto made = db::run(
        {.argv = {"useradd", "--create-home", "--home-dir", folder_.path() / "their home", name_}},
        std::chrono::seconds(30));
    ASSERT_TRUE(made.well()) << made.output;
    const passwd *entry = ::getpwnam(name_.c_str());
    ASSERT_TRUE(entry);
    ways_.user = db::LabUser{entry->pw_uid, entry->pw_gid, name_};
    ways_.environment["HOME"] = entry->pw_dir;
    home_ = entry->pw_dir;
    clone_ = home_ / long_name;
    copy_clone(clone_);
    give(home_);
  }
  void TearDown() override {
    if (name_.empty())
      return;
    (void)scripts_lab({"down"});
    (void)db::run({.argv = {"userdel", name_}}, std::chrono::seconds(30));
  }
  void give(const fs::path &tree) const {
    ASSERT_TRUE(
        db::run({.argv = {"chown", "-R", name_ + ":", tree}}, std::chrono::seconds(30)).well());
  }
  std::string find(std::vector<std::string> words) const {
    words.insert(words.begin(), "find");
    return db::run({.argv = words}, std::chrono::seconds(60)).output;
  }
  // All of it is theirs, and nothing is elsewhere.
  void expect_tidy() const {
    EXPECT_EQ(find({home_, "!", "-user", name_}), "");
    for (const char *elsewhere : {"/var", "/etc", "/run", "/usr/local", "/tmp"})
      EXPECT_EQ(
          find({elsewhere, "-xdev", "-path", home_, "-prune", "-o", "-user", name_, "-print"}), "");
  }

  std::string name_;
  fs::path home_;
};

TEST_F(OrdinaryUser, HasAllOfItInTheirHomeAndNeedsNoRights) {
  with_stubs();
  const auto up = scripts_lab({"up", "--port", std::to_string(port_)});
  ASSERT_EQ(up.status, 0) << up.err;
  const auto status = scripts_lab({"status", "--json"});
  EXPECT_EQ(status.status, 0) << status.out;
  EXPECT_EQ(scripts_lab({"use", "bounded_timeout"}).status, 0);
  EXPECT_THAT(scripts_lab({"load", "hold", "--seconds", "1", "--warm-up", "0"}).status,
              testing::AnyOf(0, 2)); // invalid, when others need the processor
  const auto doctor = scripts_lab({"doctor"});
  EXPECT_EQ(doctor.status, 0) << doctor.out;
  expect_tidy();
  const auto gone = scripts_lab({"uninstall", "--yes"});
  EXPECT_EQ(gone.status, 0) << gone.err;
  EXPECT_EQ(find({home_ / ".local" / "share", "-mindepth", "1"}), "");
}

TEST_F(OrdinaryUser, IsToldOfAFolderThatAnEarlierCallAsRootMade) {
  with_stubs();
  fs::create_directory(clone_ / "build"); // root's
  const auto said = scripts_lab({"up"});
  EXPECT_EQ(said.status, 64);
  EXPECT_TRUE(is_one_line(said.err)) << said.err;
  EXPECT_THAT(said.err, HasSubstr("another user"));
  ways_.environment["HOME"] = "";
  ways_.environment["XDG_DATA_HOME"] = "";
  fs::remove(clone_ / "build");
  const auto homeless = scripts_lab({"up"});
  EXPECT_EQ(homeless.status, 64);
  EXPECT_TRUE(is_one_line(homeless.err)) << homeless.err;
  ways_.environment["HOME"] = home_;
}

TEST_F(OrdinaryUser, BuildsItForReal) {
  if (!std::getenv("LAB_TEST_FULL"))
    GTEST_SKIP() << "a whole build takes minutes: set LAB_TEST_FULL=1";
  const auto up = scripts_lab({"up", "--port", std::to_string(port_)});
  ASSERT_EQ(up.status, 0) << up.err;
  EXPECT_EQ(scripts_lab({"status"}).status, 0);
  expect_tidy();
}

} // namespace
} // namespace lab::cli
