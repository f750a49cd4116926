#include "loadtest/run_folder.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <tuple>

namespace lab::load {
namespace {

namespace fs = std::filesystem;

class RunFolder : public ::testing::Test {
protected:
  RunFolder() {
    std::string path = (fs::temp_directory_path() / "runs-XXXXXX").string();
    dir_ = mkdtemp(path.data());
  }
  ~RunFolder() override { fs::remove_all(dir_); }

  RunResult result(const std::string &started = "2026-01-31T23:59:59Z", int requests = 3) {
    RunResult made;
    made.run = {{"started", started}, {"machine", {{"cores", 2}}}};
    made.summary = {{"profile", "hold"}, {"strategy", "fixed_tiny"}, {"ok", 2}};
    made.timeline = {{{"t_ms", 1}, {"kind", "pool"}}, {{"t_ms", 2}, {"kind", "processor"}}};
    made.histograms["latency"].record(std::chrono::milliseconds(5));
    made.recorded.codes = {"ok", "pool_timeout"};
    for (int i = 0; i < requests; ++i) {
      RequestLine line;
      line.due = i * 1'000'000;
      line.taken = line.due + 5;
      line.sent = i == 1 ? -1 : line.due + 7;
      line.done = line.due + 50'000'000;
      line.wait = i;
      line.hold = i == 1 ? -1 : 50;
      line.choice = {Route::hold_claim, static_cast<std::uint8_t>(i % 5)};
      line.outcome = i == 1 ? 1 : 0;
      line.cut_off = i == 2;
      made.recorded.requests.push_back(line);
    }
    return made;
  }

  fs::path dir_;
};

TEST_F(RunFolder, ComesBackAsItWasWritten) {
  const RunResult written = result();
  const fs::path folder = write_run(dir_ / "deep" / "runs", written);
  EXPECT_EQ(folder.filename(), "20260131T235959Z-hold-fixed_tiny-1");
  const StoredRun read = read_run(folder);
  EXPECT_EQ(read.run, written.run);
  EXPECT_EQ(read.summary, written.summary);
  EXPECT_EQ(read.timeline, written.timeline);
  EXPECT_EQ(Histogram::from_json(read.histograms["latency"]).count(), 1U);
  EXPECT_EQ(read.codes, written.recorded.codes);
  ASSERT_EQ(read.requests.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    const RequestLine &a = read.requests[i];
    const RequestLine &b = written.recorded.requests[i];
    EXPECT_EQ(std::tie(a.due, a.taken, a.sent, a.done, a.wait, a.hold, a.outcome, a.choice.route,
                       a.choice.variant, a.cut_off),
              std::tie(b.due, b.taken, b.sent, b.done, b.wait, b.hold, b.outcome, b.choice.route,
                       b.choice.variant, b.cut_off));
  }
}

TEST_F(RunFolder, TwoOfOneSecondDontMix) {
  EXPECT_NE(write_run(dir_, result()), write_run(dir_, result()));
  EXPECT_EQ(list_runs(dir_).size(), 2U);
}

TEST_F(RunFolder, ListsNewestFirstAndPassesOverWhatIsNoRun) {
  write_run(dir_, result("2026-01-02T00:00:00Z"));
  write_run(dir_, result("2026-01-03T00:00:00Z"));
  write_run(dir_, result("2026-01-01T00:00:00Z"));
  fs::create_directory(dir_ / "20270101T000000Z-hold-empty-1");
  fs::create_directory(dir_ / ".draft-99");
  std::ofstream(dir_ / "note.txt") << "mine";
  fs::create_directory(dir_ / "20270102T000000Z-hold-damaged-1");
  std::ofstream(dir_ / "20270102T000000Z-hold-damaged-1" / "summary.json") << "{ half";
  const std::vector<ListedRun> runs = list_runs(dir_);
  ASSERT_EQ(runs.size(), 3U);
  EXPECT_EQ(runs[0].folder.filename(), "20260103T000000Z-hold-fixed_tiny-1");
  EXPECT_EQ(runs[2].folder.filename(), "20260101T000000Z-hold-fixed_tiny-1");
  EXPECT_TRUE(list_runs(dir_ / "nowhere").empty());
}

TEST_F(RunFolder, OldRunsAreRemovedTheNewestNever) {
  write_run(dir_, result("2026-01-01T00:00:00Z", 1000));
  write_run(dir_, result("2026-01-02T00:00:00Z", 1000));
  write_run(dir_, result("2026-01-03T00:00:00Z", 1000));
  std::ofstream(dir_ / "note.txt") << std::string(100'000, 'x'); // not ours: left alone
  const fs::path newest = write_run(dir_, result("2026-01-04T00:00:00Z", 1000), 150'000);
  EXPECT_LT(list_runs(dir_).size(), 4U);
  EXPECT_GT(list_runs(dir_).size(), 1U);
  EXPECT_EQ(list_runs(dir_).front().folder, newest);
  prune_runs(dir_, 1);
  ASSERT_EQ(list_runs(dir_).size(), 1U);
  EXPECT_EQ(list_runs(dir_).front().folder, newest);
  EXPECT_TRUE(fs::exists(dir_ / "note.txt"));
}

TEST_F(RunFolder, NamesCantLeadOutOfTheFolder) {
  RunResult bad = result();
  bad.summary["strategy"] = "../../evil/\nname";
  const fs::path folder = write_run(dir_, bad);
  EXPECT_EQ(folder.parent_path(), dir_);
  EXPECT_EQ(list_runs(dir_).size(), 1U);
}

TEST_F(RunFolder, WhatCantBeReadIsNamed) {
  EXPECT_THROW(read_run(dir_ / "nowhere"), std::runtime_error);
  const fs::path folder = write_run(dir_, result());
  std::ofstream(folder / "requests.csv", std::ios::app) << "1,2,x\n";
  try {
    read_run(folder);
    FAIL() << "it was read";
  } catch (const std::runtime_error &error) {
    EXPECT_NE(std::string(error.what()).find("requests.csv"), std::string::npos);
  }
}

TEST_F(RunFolder, WhatCantBeWrittenLeavesNothing) {
  std::ofstream(dir_ / "file") << "x";
  EXPECT_THROW(write_run(dir_ / "file" / "runs", result()), std::runtime_error);
}

} // namespace
} // namespace lab::load
