// The learner's progress file: kept whole, and never written over when it can't be read.
#include <filesystem>
#include <future>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadtest/lab/files.hpp"
#include "loadtest/lab/path/made_up.hpp"
#include "loadtest/lab/path/progress.hpp"

namespace lab::path {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Progress far_along() {
  Progress progress;
  progress.learner = "Ada \"the first\" L\xC3\xB6velace";
  progress.salt = 0xFFFFFFFFFFFFFFFFU;
  progress.minutes = 15;
  progress.fast = true;
  progress.pace = 0.375;
  progress.slowed_by = "run-7";
  StepProgress &step = progress.steps["break-small"];
  step.begun_ms = 1'700'000'000'001;
  step.predicted_ms = 1'700'000'000'002;
  step.ended_ms = 1'700'000'000'003;
  step.predictions = {{"share", "60 %"}};
  step.tries = {{"others", {"They sing", "They wait"}}, {"last", {}}};
  step.runs = {{"small", made_up_run()}};
  step.checks = 4;
  step.hints = 2;
  step.solution_shown = true;
  step.skipped = true;
  step.unproven = true;
  step.earlier = {{{"checks", 9}}};
  return progress;
}

TEST(ProgressFile, BeginsWithNothingDone) {
  const MadeUpFolder folder;
  const fs::path file = folder.path() / "progress.json";
  const Progress progress = ProgressFile(file).read();
  EXPECT_FALSE(progress.begun());
  EXPECT_EQ(progress.minutes, 45);
  EXPECT_EQ(progress.pace, 1);
  EXPECT_FALSE(fs::exists(file)) << "reading makes none";
}

TEST(ProgressFile, KeepsAllThatIsWritten) {
  const MadeUpFolder folder;
  const ProgressFile file(folder.path() / "progress.json");
  file.change([](Progress &progress) { progress = far_along(); });
  const Progress read = file.read(), was = far_along();
  EXPECT_TRUE(read.begun());
  EXPECT_EQ(read.learner, was.learner);
  EXPECT_EQ(read.salt, was.salt);
  EXPECT_EQ(read.minutes, was.minutes);
  EXPECT_EQ(read.fast, was.fast);
  EXPECT_EQ(read.pace, was.pace);
  EXPECT_EQ(read.slowed_by, was.slowed_by);
  ASSERT_EQ(read.steps.size(), 1U);
  const StepProgress &step = read.steps.at("break-small"), &done = was.steps.at("break-small");
  EXPECT_EQ(step.begun_ms, done.begun_ms);
  EXPECT_EQ(step.predicted_ms, done.predicted_ms);
  EXPECT_EQ(step.ended_ms, done.ended_ms);
  EXPECT_EQ(step.predictions, done.predictions);
  EXPECT_EQ(step.tries, done.tries);
  EXPECT_EQ(step.runs, done.runs);
  EXPECT_EQ(step.checks, done.checks);
  EXPECT_EQ(step.hints, done.hints);
  EXPECT_EQ(step.solution_shown, done.solution_shown);
  EXPECT_EQ(step.skipped, done.skipped);
  EXPECT_EQ(step.unproven, done.unproven);
  EXPECT_EQ(step.earlier, done.earlier);
}

TEST(ProgressFile, TakesAnOlderOneWithFewerFields) {
  const MadeUpFolder folder;
  const auto file =
      folder.write("progress.json", R"({"salt": 5, "steps": {"gauges": {"checks": 2}}})");
  const Progress progress = read_progress(file);
  EXPECT_EQ(progress.salt, 5U);
  EXPECT_EQ(progress.minutes, 45);
  EXPECT_EQ(progress.steps.at("gauges").checks, 2);
}

TEST(ProgressFile, OneThatCantBeUnderstoodIsLeftAsItIs) {
  for (const char *text :
       {"", " ", "{", "[]", "null", "3", "\"text\"", "{\"steps\": 3}",
        "{\"steps\": {\"gauges\": 3}}", "{\"minutes\": \"long\"}", "{\"pace\": 0}", "{\"pace\": 2}",
        "{\"pace\": -1}", "{\"strategy\": \"fixed_tiny\"}",
        "{\"steps\": {\"gauges\": {\"medals\": 3}}}", "{\n  \"salt\": 3,\n oh"}) {
    const MadeUpFolder folder;
    const auto path = folder.write("progress.json", text);
    const ProgressFile file(path);
    const std::string said = failure_of([&] { (void)file.read(); });
    EXPECT_THAT(said,
                AllOf(HasSubstr(path.string()), HasSubstr("move it away"), Not(HasSubstr("\n"))))
        << text;
    EXPECT_EQ(failure_of([&] { file.change([](Progress &p) { p.minutes = 15; }); }), said) << text;
    EXPECT_EQ(cli::text_of_file(path).value_or(""), text) << "untouched";
  }
}

TEST(ProgressFile, OneThatCantBeReadIsLeftAsItIs) {
  const MadeUpFolder folder;
  fs::create_directory(folder.path() / "folder.json");
  EXPECT_THAT(failure_of([&] { (void)read_progress(folder.path() / "folder.json"); }),
              HasSubstr("it is a folder"));
  // As on a disk that isn't there now.
  const auto link = folder.path() / "link.json";
  fs::create_symlink(folder.path() / "away" / "progress.json", link);
  const ProgressFile file(link);
  EXPECT_THAT(failure_of([&] { file.change([](Progress &) {}); }), HasSubstr("it can't be read"));
  EXPECT_TRUE(fs::is_symlink(link));
}

TEST(ProgressFile, AChangeThatFailsChangesNothing) {
  const MadeUpFolder folder;
  const ProgressFile file(folder.path() / "progress.json");
  file.change([](Progress &progress) { progress.learner = "Ada"; });
  EXPECT_THROW(file.change([](Progress &progress) {
    progress.learner = "Bob";
    throw std::runtime_error("no");
  }),
               std::runtime_error);
  EXPECT_EQ(file.read().learner, "Ada");
}

TEST(ProgressFile, MakesTheSaltOnce) {
  const MadeUpFolder folder;
  const ProgressFile file(folder.path() / "progress.json");
  const auto salt = file.change([](Progress &) {}).salt;
  EXPECT_NE(salt, 0U);
  EXPECT_EQ(file.change([](Progress &p) { p.minutes = 15; }).salt, salt);
  EXPECT_EQ(file.read().salt, salt);
  std::set<std::uint64_t> of_learners;
  for (int i = 0; i < 5; ++i) {
    const MadeUpFolder other;
    of_learners.insert(ProgressFile(other.path() / "progress.json").change([](Progress &) {}).salt);
  }
  EXPECT_GT(of_learners.size(), 3U) << "each learner has another one";
}

TEST(ProgressFile, ManyWritersAtOnceLoseNothing) {
  const MadeUpFolder folder;
  constexpr int writers = 4, changes = 50;
  std::vector<std::future<void>> all;
  for (int i = 0; i < writers; ++i)
    all.push_back(std::async(std::launch::async, [&, i] {
      const ProgressFile file(folder.path() / "progress.json");
      for (int k = 0; k < changes; ++k)
        file.change([i](Progress &progress) {
          ++progress.steps["together"].checks;
          ++progress.steps[std::to_string(i)].checks;
        });
    }));
  for (std::future<void> &one : all)
    EXPECT_NO_THROW(one.get());
  const Progress progress = read_progress(folder.path() / "progress.json");
  ASSERT_EQ(progress.steps.size(), writers + 1U);
  EXPECT_EQ(progress.steps.at("together").checks, writers * changes);
  for (int i = 0; i < writers; ++i)
    EXPECT_EQ(progress.steps.at(std::to_string(i)).checks, changes);
}

} // namespace
} // namespace lab::path
