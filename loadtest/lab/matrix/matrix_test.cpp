// The matrix on a whole lab: ended anyhow it goes on without a loss, and Google Benchmark's
// options do what they always do.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "db/child.hpp"
#include "loadtest/lab/state.hpp"
#include "loadtest/lab/test_lab.hpp"
#include "loadtest/run_folder.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;

class Matrix : public testing::Test {
protected:
  // Short cells: what they measure is not what is tried here.
  static std::vector<std::string> words(std::vector<std::string> more) {
    std::vector<std::string> all{"matrix", "bounded_timeout", "--profile", "hold", "--seconds",
                                 "1",      "--warm-up",       "0"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  std::vector<load::ListedRun> runs() const {
    std::vector<load::ListedRun> all;
    std::error_code absent;
    for (const auto &matrix : fs::directory_iterator(lab_.places().matrices(), absent))
      for (load::ListedRun &run : load::list_runs(matrix.path() / "runs"))
        all.push_back(std::move(run));
    return all;
  }

  std::set<std::string> cells() const {
    std::set<std::string> all;
    for (const load::ListedRun &run : runs())
      all.insert(run.summary.value("cell", ""));
    return all;
  }

  // In the middle of a cell, when so many are finished.
  bool in_the_middle(std::size_t finished) const {
    return eventually(
        [&] { return runs().size() == finished && lab_.host().pool().at("in_use") > 0; });
  }

  std::optional<db::Ended> end(const std::vector<std::string> &arguments, int signal) const {
    db::Launch launch = lab_.launch(arguments);
    launch.out = db::Output::captured();
    db::Child matrix(launch);
    EXPECT_TRUE(in_the_middle(1));
    matrix.send(signal);
    return matrix.wait_for(20s);
  }

  const TestLab lab_;
};

TEST_F(Matrix, KilledInTheMiddleOfACellIsResumedAndEndsWithEveryCellOnce) {
  ASSERT_TRUE(end(words({"--blocks", "2"}), SIGKILL));
  ASSERT_EQ(runs().size(), 1U);
  // The agent looks every second at what the host runs, and takes it for no one's choice.
  const auto end = std::chrono::steady_clock::now() + 2500ms;
  while (std::chrono::steady_clock::now() < end) {
    ASSERT_EQ(StateFile(lab_.places().state()).read().in_use.name, "fixed_tiny");
    std::this_thread::sleep_for(50ms);
  }
  const fs::path out = lab_.folder() / "cells.json";
  const auto resumed =
      lab_.lab({"matrix", "--resume", "--json", "--benchmark_out=" + out.string()});
  ASSERT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_EQ(runs().size(), 4U);
  EXPECT_EQ(cells(), (std::set<std::string>{
                         "hold/bounded_timeout/block:1", "hold/bounded_timeout.twin/block:1",
                         "hold/bounded_timeout/block:2", "hold/bounded_timeout.twin/block:2"}));
  const json analysis = json::parse(resumed.out);
  EXPECT_EQ(analysis["left"], 0);
  EXPECT_EQ(analysis["profiles"][0]["twins"][0]["measures"][0]["blocks"], 2);
  std::ifstream in(out);
  const json told = json::parse(in);
  EXPECT_EQ(told["benchmarks"].size(), 4U) << "also the one that was finished before";
  for (const json &one : told["benchmarks"]) {
    EXPECT_GT(one["ok_per_second"], 50) << one;
    EXPECT_FALSE(one.contains("error_message")) << one;
  }
  EXPECT_EQ(lab_.host().strategy()["name"], "fixed_tiny")
      << "was in use before it: " << resumed.err;
  // The same requests in both arms of a block, others in the next.
  std::set<std::string> schedules;
  for (const load::ListedRun &run : runs())
    schedules.insert(run.summary["schedule"]);
  EXPECT_EQ(schedules.size(), 2U);
}

TEST_F(Matrix, EndedByCtrlCTellsWhatIsFinishedAndHowToGoOn) {
  const auto ended = end(words({"--blocks", "2"}), SIGINT);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->status, 130);
  EXPECT_EQ(runs().size(), 1U);
  // What can't begin does not take its place as the newest.
  const auto nothing = lab_.lab(words({"--benchmark_filter=nosuch"}));
  EXPECT_EQ(nothing.status, 64);
  EXPECT_THAT(nothing.err, HasSubstr("no run of this matrix matches that filter"));
  {
    db::Launch how = lab_.launch({"load", "hold", "--seconds", "60"});
    how.out = how.err = db::Output::discarded();
    db::Child load(how);
    ASSERT_TRUE(eventually([&] { return lab_.host().pool().at("in_use") > 0; }));
    EXPECT_EQ(lab_.lab(words({})).status, 64);
    load.send(SIGINT);
    EXPECT_TRUE(load.wait_for(20s));
  }
  const auto shown = lab_.lab({"matrix", "--show"});
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("3 of 4 runs are left: scripts/lab matrix --resume"));
  EXPECT_THAT(shown.out, HasSubstr("can't tell a difference from chance"));

  const fs::path page = lab_.folder() / "page.html";
  const auto report =
      lab_.lab({"report", "--matrix", "--out", page.string(), "--json=" + page.string() + ".json"});
  EXPECT_EQ(report.status, 0) << report.err;
  EXPECT_EQ(report.out, page.string() + "\n");
  EXPECT_GT(fs::file_size(page), 100'000U) << "all that it draws with is in it";
  std::ifstream data(page.string() + ".json");
  EXPECT_EQ(json::parse(data)["left"], 3);
  EXPECT_EQ(lab_.lab({"report", "--json"}).status, 64);
}

TEST_F(Matrix, TakesGoogleBenchmarksOptions) {
  const auto listed =
      lab_.lab({"matrix", "--benchmark_list_tests=true", "--benchmark_repetitions=2",
                "--benchmark_filter=contended/adaptive"});
  EXPECT_EQ(listed.status, 0) << listed.err;
  EXPECT_EQ(listed.out, "contended/adaptive/block:1/iterations:1/manual_time\n"
                        "contended/adaptive/block:2/iterations:1/manual_time\n");
  EXPECT_EQ(lab_.lab(words({"--benchmark_nonsense"})).status, 64);
  EXPECT_EQ(lab_.lab(words({"--benchmark_enable_random_interleaving=true"})).status, 64);
  EXPECT_EQ(lab_.lab({"matrix", "nosuch"}).status, 64);
  EXPECT_EQ(lab_.lab({"matrix", "--profile", "contended", "--handicap", "10"}).status, 64);
  EXPECT_EQ(lab_.lab({"matrix", "--resume", "nosuch"}).status, 64);
  const auto one = lab_.lab(words({"--benchmark_filter=twin", "--benchmark_format=json"}));
  EXPECT_EQ(one.status, 0) << one.err;
  EXPECT_EQ(json::parse(one.out)["benchmarks"].size(), 1U) << one.out;
  EXPECT_THAT(one.err, HasSubstr("1 of 2 runs are left"));
}

} // namespace
} // namespace lab::cli
