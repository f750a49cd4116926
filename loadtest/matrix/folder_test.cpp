// A matrix that was ended anyhow goes on where it was: each cell exactly once.
#include "loadtest/matrix/folder.hpp"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab::matrix {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::chrono::system_clock::time_point morning{std::chrono::seconds(1'800'000'000)};

class MatrixFolder : public testing::Test {
protected:
  MatrixFolder() {
    std::string made = (fs::temp_directory_path() / "pool-lab-matrix-XXXXXX").string();
    matrices_ = ::mkdtemp(made.data());
    design_.profiles = {load::profile_named("hold"), load::profile_named("ceiling")};
    Arm arm{"adaptive", "adaptive", {{"max", 30}}};
    design_.arms = {arm, twin_of(arm), handicapped(arm, 10)};
    design_.blocks = 2;
    design_.seed = 7;
  }
  ~MatrixFolder() override { fs::remove_all(matrices_); }

  static load::RunResult run(double ok_per_second) {
    load::RunResult result;
    result.run = {{"started", "2026-01-31T23:59:59Z"}};
    result.summary = {
        {"profile", "hold"}, {"strategy", "adaptive"}, {"rate", {{"ok", ok_per_second}}}};
    return result;
  }

  fs::path matrices_;
  Design design_;
};

TEST_F(MatrixFolder, IsOpenedAsItWasLeft) {
  Folder begun = Folder::begin(matrices_, design_, morning);
  EXPECT_EQ(begun.left(), 12U);
  load::RunResult third = run(3), first = run(1);
  begun.keep(2, third);
  begun.keep(0, first);
  const Folder again = Folder::open(begun.path());
  EXPECT_EQ(again.left(), 10U);
  ASSERT_TRUE(again.summaries()[0] && again.summaries()[2]);
  EXPECT_EQ((*again.summaries()[0])["rate"]["ok"], 1);
  EXPECT_EQ((*again.summaries()[2])["rate"]["ok"], 3);
  ASSERT_EQ(again.cells().size(), begun.cells().size());
  for (std::size_t i = 0; i < again.cells().size(); ++i) {
    EXPECT_EQ(name_of(again.design(), again.cells()[i]), name_of(design_, begun.cells()[i]));
    EXPECT_EQ(again.cells()[i].seed, begun.cells()[i].seed);
  }
  EXPECT_EQ(again.design().arms, design_.arms);
  EXPECT_EQ(again.finished().size(), 2U);
}

// What a machine gives drifts: runs of one block that lie hours apart are no pair.
TEST_F(MatrixFolder, WhatIsOldOfAHalfFinishedBlockIsRunAnew) {
  const auto ms = [](std::chrono::system_clock::time_point time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  };
  Folder begun = Folder::begin(matrices_, design_, morning);
  for (std::size_t cell = 0; cell < 4; ++cell) { // of three each
    load::RunResult result = run(1);
    result.summary["started_ms"] = ms(morning + std::chrono::minutes(cell));
    begun.keep(cell, result);
  }
  EXPECT_EQ(begun.forget_torn(morning + std::chrono::minutes(13)), 0U) << "not long ago";
  EXPECT_EQ(begun.forget_torn(morning + std::chrono::minutes(14)), 1U);
  EXPECT_TRUE(begun.summaries()[2]) << "its block is whole";
  EXPECT_FALSE(begun.summaries()[3]);
  EXPECT_EQ(Folder::open(begun.path()).left(), 9U);
  load::RunResult again = run(2);
  begun.keep(3, again);
  EXPECT_EQ((*Folder::open(begun.path()).summaries()[3])["rate"]["ok"], 2);
}

TEST_F(MatrixFolder, AStrategyThatIsAnotherOneNowIsNotPutWithWhatItWas) {
  Folder begun = Folder::begin(matrices_, design_, morning);
  const auto with = [](const json &build, int max) {
    load::RunResult result = run(1);
    result.summary["build"] = build;
    result.summary["params"] = {{"max", max}};
    return result;
  };
  std::vector<std::size_t> places; // of the first arm
  for (std::size_t i = 0; i < begun.cells().size(); ++i)
    if (begun.cells()[i].arm == 0)
      places.push_back(i);
  load::RunResult first = with("00ab", 30);
  EXPECT_EQ(begun.unlike_the_others(places[0], first.summary), "");
  begun.keep(places[0], first);
  EXPECT_EQ(begun.unlike_the_others(places[1], with("00ab", 30).summary), "");
  EXPECT_EQ(begun.unlike_the_others(places[1], with(nullptr, 30).summary), "") << "not known";
  EXPECT_THAT(begun.unlike_the_others(places[1], with("00ac", 30).summary),
              HasSubstr("adaptive was built anew"));
  EXPECT_THAT(begun.unlike_the_others(places[1], with("00ab", 31).summary),
              HasSubstr("other settings than when this matrix began ({\"max\":31}"));
}

TEST_F(MatrixFolder, TakesNoCellThatWasNotFinishedForOne) {
  const Folder begun = Folder::begin(matrices_, design_, morning);
  const fs::path draft = begun.path() / "runs" / ".draft-1";
  fs::create_directories(draft);
  std::ofstream(draft / "summary.json")
      << json{{"cell", name_of(design_, begun.cells()[0])}}.dump();
  EXPECT_EQ(Folder::open(begun.path()).left(), 12U);
}

TEST_F(MatrixFolder, OfTheSameSecondHasAnotherName) {
  const Folder first = Folder::begin(matrices_, design_, morning);
  const Folder second = Folder::begin(matrices_, design_, morning);
  EXPECT_NE(first.name(), second.name());
  EXPECT_EQ(newest(matrices_), second.path());
}

TEST_F(MatrixFolder, ThatIsNoneIsToldInALine) {
  EXPECT_THAT([&] { (void)Folder::open(matrices_ / "nosuch"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("there is no such matrix")));
  fs::create_directory(matrices_ / "broken");
  std::ofstream(matrices_ / "broken" / "matrix.json") << R"({"profiles":[],"arms":[]})";
  EXPECT_THAT([&] { (void)Folder::open(matrices_ / "broken"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("broken/matrix.json")));
  // A profile as another version kept it.
  std::ofstream(matrices_ / "broken" / "matrix.json") << R"({"profiles":[{"profile":"x"}]})";
  EXPECT_THAT([&] { (void)Folder::open(matrices_ / "broken"); },
              ThrowsMessage<std::runtime_error>(testing::AllOf(
                  HasSubstr("broken/matrix.json"), HasSubstr("scripts/lab matrix begins a new"))));
  EXPECT_EQ(newest(matrices_ / "nosuch"), std::nullopt);
}

TEST_F(MatrixFolder, IsPrunedFromTheOldestAndTheNewestStays) {
  const Folder old = Folder::begin(matrices_, design_, morning);
  const Folder young = Folder::begin(matrices_, design_, morning + std::chrono::hours(1));
  prune(matrices_, std::numeric_limits<std::uintmax_t>::max());
  EXPECT_TRUE(fs::exists(old.path()));
  prune(matrices_, 0);
  EXPECT_FALSE(fs::exists(old.path()));
  EXPECT_TRUE(fs::exists(young.path()));
}

} // namespace
} // namespace lab::matrix
