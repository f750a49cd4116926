// doctor names what is wrong with a machine or a lab, and what to do about it.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <sys/resource.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadtest/lab/files.hpp"
#include "loadtest/lab/lab_processes.hpp"
#include "loadtest/lab/state.hpp"
#include "loadtest/lab/test_home.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

// "result: said; to do" of the checks of that name, a line each.
std::string found(const json &report, const std::string &name) {
  std::string lines;
  for (const json &check : report.at("checks"))
    if (check.at("name") == name)
      lines += fmt::format("{}: {}; {}\n", check["result"].get<std::string>(),
                           check["said"].get<std::string>(), check["to_do"].get<std::string>());
  return lines;
}

class Doctor : public testing::Test {
protected:
  // Somebody's lab that has port 3000 is nothing that these tests look for.
  void SetUp() override {
    std::filesystem::create_directories(home_.places().records());
    StateFile(home_.places().state()).change([this](State &s) { s.port = home_.port(); });
  }
  json report(const Ways &ways = {}) {
    const auto said = home_.lab({"doctor", "--json"}, ways);
    const json report = json::parse(said.out);
    EXPECT_EQ(said.status, report["fit"] ? 0 : 1);
    return report;
  }
  const TestHome home_;
};

TEST_F(Doctor, FindsNothingBadBeforeAndAfterUp) {
  json now = report();
  EXPECT_TRUE(now["fit"]) << now.dump(2);
  EXPECT_THAT(found(now, "lab"), HasSubstr("not up"));
  ASSERT_EQ(home_.up().status, 0);
  now = report();
  EXPECT_TRUE(now["fit"]) << now.dump(2);
  EXPECT_THAT(found(now, "lab"), HasSubstr("ok: up"));
  EXPECT_THAT(found(now, "port"), HasSubstr("the host's"));
}

TEST_F(Doctor, SaysItInWordsWithoutATerminal) {
  const auto said = home_.lab({"doctor"});
  EXPECT_THAT(said.out, HasSubstr("✓ ok"));
  EXPECT_THAT(said.out, Not(HasSubstr("\x1b")));
  Ways on_terminal{.environment = home_.places().environment()};
  const std::string script =
      fmt::format("script -qec \"'{}' doctor\" /dev/null", home_.places().program("lab").string());
  EXPECT_THAT(run_apart({"sh", "-c", script}, on_terminal).out, HasSubstr("\x1b[32m✓ ok"));
  on_terminal.environment["NO_COLOR"] = "1";
  EXPECT_THAT(run_apart({"sh", "-c", script}, on_terminal).out, Not(HasSubstr("\x1b[3")));
}

TEST_F(Doctor, SaysWhatLittleProcessorMeans) {
  const json one = report({.through = {"taskset", "-c", "0"}});
  EXPECT_THAT(found(one, "processors"), HasSubstr("warn: 1 to be used"));
  const fs::path tree = "/sys/fs/cgroup/cpu"; // version 1; in 2, making a group disturbs others
  const fs::path group = tree / fmt::format("lab-test-{}", ::getpid());
  std::error_code no_groups;
  if (!is_root() || !fs::exists(tree / "cpu.cfs_quota_us") ||
      !fs::create_directory(group, no_groups))
    GTEST_SKIP() << "no control group for the processor can be made here";
  std::ofstream(group / "cpu.cfs_quota_us") << 50'000;
  const json half = report(
      {.through = {"sh", "-c",
                   fmt::format("echo $$ >{}/cgroup.procs && exec \"$@\"", group.string()), "sh"}});
  EXPECT_THAT(found(half, "processors"), HasSubstr("warn: 0.5 to be used"));
  EXPECT_THAT(found(half, "processors"), HasSubstr("invalid"));
  EXPECT_EQ(::rmdir(group.c_str()), 0);
}

TEST_F(Doctor, NamesALimitThatIsTooLow) {
  const json now = report({.limits = {{RLIMIT_NOFILE, 500}}});
  EXPECT_THAT(found(now, "open files"), HasSubstr("BAD: at most 500"));
  EXPECT_FALSE(now["fit"]);
}

TEST_F(Doctor, NamesAPathThatIsTooLongAndAFolderThatIsClosed) {
  const auto long_home = home_.places().home() / std::string(90, 'x');
  json now = report({.environment = {{"LAB_HOME", long_home}}});
  EXPECT_THAT(found(now, "socket paths"), HasSubstr("BAD"));
  if (!is_root())
    return;
  const TestFolder folder;
  fs::permissions(folder.path(), fs::perms::owner_all);
  now = report({.environment = {{"LAB_HOME", folder.path() / "home"}}});
  EXPECT_THAT(found(now, "user"),
              HasSubstr(fmt::format("may not enter {}", folder.path().string())));
  const auto up = home_.lab({"up", "--port", std::to_string(home_.port())},
                            {.environment = {{"LAB_HOME", folder.path() / "home"}}});
  EXPECT_EQ(up.status, 64);
  EXPECT_TRUE(is_one_line(up.err)) << up.err;
}

TEST_F(Doctor, NamesADamagedStateAndWhatKilledProgramsLeft) {
  fs::create_directories(home_.places().records());
  std::ofstream(home_.places().load_lock()) << R"({"pid":999999999,"started":1,"command":"x"})";
  std::ofstream(home_.places().state()) << "{ damaged";
  json now = report();
  EXPECT_THAT(found(now, "state.json"), HasSubstr("BAD"));
  EXPECT_THAT(found(now, "state.json"), HasSubstr("remove it"));
  EXPECT_THAT(found(now, "left over"), HasSubstr("load.lock"));
  const auto up = home_.up();
  EXPECT_EQ(up.status, 64);
  EXPECT_TRUE(is_one_line(up.err)) << up.err;
  fs::remove(home_.places().state());
  EXPECT_EQ(home_.up().status, 0);
}

TEST_F(Doctor, FindsAHostThatTheLabLostTrackOfAndDownEndsIt) {
  ASSERT_EQ(home_.up().status, 0);
  for (const LabProcess &one : lab_processes(home_.places()))
    if (one.program == "lab agent")
      ::kill(one.id.pid, SIGKILL);
  fs::remove(home_.places().host_record());
  EXPECT_THAT(found(report(), "stray"), HasSubstr("lab_host"));
  EXPECT_EQ(home_.lab({"down"}).status, 0);
  EXPECT_TRUE(lab_processes(home_.places()).empty());
  EXPECT_EQ(home_.up().status, 0);
}

TEST_F(Doctor, NamesWhatTakesTheProcessor) {
  // Under a name that is its own: a copy of the shell.
  const auto busy = home_.places().home() / "busy_program";
  fs::copy_file("/bin/sh", busy, fs::copy_options::overwrite_existing);
  std::vector<std::unique_ptr<db::Child>> children;
  for (int i = 0; i < 4; ++i)
    children.push_back(
        std::make_unique<db::Child>(db::Launch{.argv = {busy, "-c", "while :; do :; done"}}));
  const std::string said = found(report(), "processor now");
  for (auto &child : children) {
    child->send(SIGKILL);
    (void)child->wait_for(5s);
  }
  EXPECT_THAT(said, HasSubstr("warn"));
  EXPECT_THAT(said, HasSubstr("busy_program"));
}

} // namespace
} // namespace lab::cli
