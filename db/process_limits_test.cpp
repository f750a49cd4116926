// What the kernel's files say of a group, in files that look like them.
#include "db/process_limits.hpp"

#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

#include <gtest/gtest.h>

namespace lab::db {
namespace {

namespace fs = std::filesystem;

class ProcessLimits : public testing::Test {
protected:
  ProcessLimits() {
    std::string made = fs::temp_directory_path() / "process-limits-XXXXXX";
    folder_ = ::mkdtemp(made.data());
    groups = {.of_process = folder_ / "cgroup", .tree = folder_ / "tree"};
  }
  ~ProcessLimits() override { fs::remove_all(folder_); }
  ProcessLimits(const ProcessLimits &) = delete;
  ProcessLimits &operator=(const ProcessLimits &) = delete;

  void write(const fs::path &file, const std::string &text) const {
    fs::create_directories((folder_ / file).parent_path());
    std::ofstream(folder_ / file) << text << "\n";
  }

  ControlGroups groups;

private:
  fs::path folder_;
};

TEST_F(ProcessLimits, WithoutAQuotaAllProcessorsMayBeUsed) {
  write("cgroup", "0::/");
  write("tree/cpu.max", "max 100000");
  EXPECT_EQ(usable_processors(groups), usable_processors({.of_process = "/nowhere", .tree = ""}));
  EXPECT_GE(usable_processors(groups), 1);
  EXPECT_FALSE(process_limit_of_group(groups));
}

TEST_F(ProcessLimits, AContainersQuotaAllowsAPartOfAProcessor) {
  write("cgroup", "0::/");
  write("tree/cpu.max", "50000 100000");
  write("tree/pids.max", "200");
  EXPECT_EQ(usable_processors(groups), 0.5);
  EXPECT_EQ(process_limit_of_group(groups), 200U);
}

TEST_F(ProcessLimits, TheSmallestQuotaOfAllGroupsAboveCounts) {
  write("cgroup", "0::/outer/inner");
  write("tree/outer/cpu.max", "25000 100000");
  write("tree/outer/inner/cpu.max", "75000 100000");
  EXPECT_EQ(usable_processors(groups), 0.25);
}

TEST_F(ProcessLimits, VersionOneHasATreeForEachKind) {
  write("cgroup", "5:pids:/\n4:cpu:/box");
  write("tree/cpu/cpu.cfs_quota_us", "-1");
  write("tree/cpu/cpu.cfs_period_us", "100000");
  write("tree/cpu/box/cpu.cfs_quota_us", "50000");
  write("tree/cpu/box/cpu.cfs_period_us", "100000");
  EXPECT_EQ(usable_processors(groups), 0.5);
}

} // namespace
} // namespace lab::db
