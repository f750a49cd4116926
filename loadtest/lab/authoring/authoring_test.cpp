// A strategy of one's own, from nothing to live, in a whole lab: new, verify, use, watch.
// Waits on conditions only.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "db/child.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/test_lab.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class Authoring : public testing::Test {
protected:
  static void SetUpTestSuite() { lab_ = std::make_unique<TestLab>(); }
  static void TearDownTestSuite() { lab_.reset(); }

  void SetUp() override {
    ASSERT_EQ(lab({"up"}).status, 0);
    ASSERT_EQ(lab({"use", "fixed_tiny"}).status, 0);
  }

  static TestLab::Said lab(std::vector<std::string> arguments) {
    return lab_->lab(std::move(arguments));
  }

  static fs::path mine(const std::string &file) { return lab_->places().my_strategies() / file; }

  // As an editor saves: the whole text at once. `change` is put in place of `what`.
  static void edit(const fs::path &file, const std::string &what, const std::string &change) {
    std::string text = text_of_file(file).value_or("");
    const std::size_t at = text.find(what);
    ASSERT_NE(at, std::string::npos) << what;
    write_whole(file, text.replace(at, what.size(), change));
  }

  static json plan() { return lab_->host().pool().at("plan"); }
  static std::string in_use() { return lab_->host().strategy().at("name"); }

  // Reads on until a line has `text`; what was read besides is in `heard`.
  static bool says(db::Child &child, const std::string &text, std::string &heard) {
    while (const auto line = child.line(20s)) {
      heard += *line + "\n";
      if (line->find(text) != std::string::npos)
        return true;
    }
    return false;
  }

  static db::Child watching(std::vector<std::string> words) {
    words.insert(words.begin(), "watch");
    db::Launch how = lab_->launch(std::move(words));
    how.out = db::Output::captured();
    return db::Child(how);
  }

  static std::unique_ptr<TestLab> lab_;
};

std::unique_ptr<TestLab> Authoring::lab_;

TEST_F(Authoring, NewMakesOneThatCompilesIsFineAndIsUsedByItsName) {
  const auto said = lab({"new", "grow_on_timeout"});
  ASSERT_EQ(said.status, 0) << said.err;
  EXPECT_THAT(said.out, HasSubstr("grow_on_timeout.cpp is yours"));
  EXPECT_THAT(said.out, HasSubstr("scripts/lab watch grow_on_timeout"));
  const std::string text = text_of_file(mine("grow_on_timeout.cpp")).value_or("");
  EXPECT_THAT(text, HasSubstr("struct GrowOnTimeout {"));
  EXPECT_THAT(text, Not(HasSubstr("MyStrategy")));

  const auto verified = lab({"verify", "grow_on_timeout"});
  EXPECT_EQ(verified.status, 0) << verified.err;
  EXPECT_THAT(verified.out, HasSubstr("grow_on_timeout: fine, tried in "));
  EXPECT_THAT(verified.out, Not(HasSubstr("warning")));

  const auto used = lab({"use", "grow_on_timeout", "--set", "max=17"});
  ASSERT_EQ(used.status, 0) << used.err;
  EXPECT_EQ(in_use(), "grow_on_timeout");
  EXPECT_EQ(plan().at("max_in_use"), 17);
}

TEST_F(Authoring, NewOverwritesNothingAndTakesNoNameThatIsNone) {
  ASSERT_EQ(lab({"new", "once"}).status, 0);
  std::ofstream(mine("once.cpp")) << "mine\n";
  const auto again = lab({"new", "once"});
  EXPECT_EQ(again.status, 64);
  EXPECT_THAT(again.err, HasSubstr("is there already, and is left as it is"));
  EXPECT_EQ(text_of_file(mine("once.cpp")), "mine\n");
  EXPECT_THAT(lab({"new", "fixed_tiny"}).err, HasSubstr("one of the lab's own"));
  EXPECT_THAT(lab({"new", "../escape"}).err, HasSubstr("is no name for a strategy"));
  EXPECT_THAT(lab({"new", "Upper"}).err, HasSubstr("is no name for a strategy"));
  EXPECT_THAT(lab({"watch", "nowhere"}).err, HasSubstr("scripts/lab new nowhere starts one"));
  EXPECT_THAT(lab({"verify", "nowhere"}).err, HasSubstr("there is no strategy called nowhere"));
  fs::remove(mine("once.cpp"));
}

TEST_F(Authoring, VerifyTellsTheFirstErrorAndARefusalEachInOneLine) {
  ASSERT_EQ(lab({"new", "wrong"}).status, 0);
  edit(mine("wrong.cpp"), "Plan plan;", "Plan plan = nothing;");
  const auto broken = lab({"verify", "wrong"});
  EXPECT_EQ(broken.status, 1);
  EXPECT_THAT(broken.out, HasSubstr("wrong: does not compile: "));
  EXPECT_THAT(broken.out, testing::ContainsRegex("wrong.cpp:[0-9]+:[0-9]+: 'nothing' was not "));
  EXPECT_FALSE(fs::exists(mine("wrong.so")));
  const json report = json::parse(lab({"verify", "wrong", "--json"}).out).at(0);
  EXPECT_EQ(report.at("ok"), false);
  EXPECT_EQ(report.at("check"), "compile");
  EXPECT_THAT(report.at("what").get<std::string>(), HasSubstr("wrong.cpp:"));

  edit(mine("wrong.cpp"), "Plan plan = nothing;", "Plan plan;");
  const std::string right = "void explain(Line &line) {",
                    near = "void explain(Line *out) { Line &line = *out;";
  edit(mine("wrong.cpp"), right, near);
  EXPECT_THAT(lab({"verify", "wrong"}).out,
              HasSubstr("Wrong::explain must have this form: void explain(Line &line)"));
  edit(mine("wrong.cpp"), near, right);

  edit(mine("wrong.cpp"), "Plan plan;", "Plan plan; plan.order = Order(7);");
  const auto refused = lab({"verify", "wrong"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.out, HasSubstr("wrong: refused (plan): in look, call 1 "));

  edit(mine("wrong.cpp"), "plan.order = Order(7);", "*(volatile int *)nullptr = 1;");
  const auto crashed = lab({"verify", "wrong"});
  EXPECT_THAT(crashed.out, testing::ContainsRegex(
                               "crashed with SIGSEGV.*; at .*wrong.cpp:[0-9]+ in Wrong::look"));
  EXPECT_EQ(lab({"use", "wrong"}).status, 1);
  EXPECT_EQ(in_use(), "fixed_tiny");
  fs::remove(mine("wrong.cpp"));
  fs::remove(mine("wrong.so"));
}

TEST_F(Authoring, SanitizeFindsWhatOnlyDamagesMemory) {
  std::ofstream(mine("damage.cpp")) << R"(#include <vector>
#include "pool_lab/strategy.hpp"
using namespace pool_lab;
struct Damage {
  std::vector<int> seen = std::vector<int>(16);
  Plan look(const Observation &now) {
    return {.max_in_use = 5 + static_cast<unsigned>(seen[16 + now.window % 2] & 1)};
  }
};
POOL_LAB_STRATEGY(Damage, "reads past the end")
)";
  EXPECT_EQ(lab({"verify", "damage"}).status, 0) << "what is only read is not seen without";
  const auto found = lab({"verify", "damage", "--sanitize"});
  EXPECT_EQ(found.status, 1);
  EXPECT_THAT(found.out, testing::ContainsRegex("memory was damaged: heap-buffer-overflow.*"
                                                "damage.cpp:7"));
  const auto good = lab({"verify", "bounded_timeout", "--sanitize"});
  EXPECT_EQ(good.status, 64);
  EXPECT_THAT(good.err, HasSubstr("has no text in my/strategies"));
  ASSERT_EQ(lab({"new", "healthy"}).status, 0);
  const auto healthy = lab({"verify", "healthy", "--sanitize"});
  EXPECT_EQ(healthy.status, 0) << healthy.out << healthy.err;
  for (const char *file : {"damage.cpp", "damage.so", "healthy.cpp"})
    fs::remove(mine(file));
}

TEST_F(Authoring, WatchPutsEachSaveIntoForceAndKeepsTheOldBuildWhereItCant) {
  ASSERT_EQ(lab({"new", "watched"}).status, 0);
  db::Child watch = watching({"watched"});
  std::string heard;
  ASSERT_TRUE(says(watch, "in force", heard)) << heard;
  EXPECT_EQ(in_use(), "watched");
  EXPECT_EQ(plan().at("max_in_use"), 10);
  ASSERT_EQ(lab({"use", "watched", "--set", "max_waiting=77"}).status, 0);

  edit(mine("watched.cpp"), "int max = 10;", "int max = 12;");
  ASSERT_TRUE(says(watch, "in force", heard)) << heard;
  EXPECT_EQ(plan().at("max_in_use"), 12);
  EXPECT_EQ(plan().at("max_waiting"), 77) << "what was stated stays";

  edit(mine("watched.cpp"), "int max = 12;", "int max = 13");
  ASSERT_TRUE(says(watch, "does not compile", heard)) << heard;
  EXPECT_THAT(heard, HasSubstr("watched.cpp:"));
  EXPECT_EQ(plan().at("max_in_use"), 12);

  edit(mine("watched.cpp"), "int max = 13", "int max = 4000;");
  ASSERT_TRUE(says(watch, "refused (", heard)) << heard;
  EXPECT_EQ(plan().at("max_in_use"), 12);

  edit(mine("watched.cpp"), "int max = 4000;", "int max = 14;");
  ASSERT_TRUE(says(watch, "in force", heard)) << heard;
  EXPECT_EQ(plan().at("max_in_use"), 14);
  watch.send(SIGINT);
  const auto end = watch.wait_for(5s);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->status, 130);
}

TEST_F(Authoring, WatchOfAllSwapsOnlyTheOneInUse) {
  ASSERT_EQ(lab({"new", "first"}).status, 0);
  ASSERT_EQ(lab({"new", "second"}).status, 0);
  ASSERT_EQ(lab({"use", "first"}).status, 0);
  db::Child watch = watching({});
  std::string heard;
  ASSERT_TRUE(says(watch, "second: built in", heard)) << heard;
  edit(mine("second.cpp"), "int max = 10;", "int max = 15;");
  ASSERT_TRUE(says(watch, "fine (scripts/lab use second)", heard)) << heard;
  EXPECT_EQ(in_use(), "first");
  edit(mine("first.cpp"), "int max = 10;", "int max = 16;");
  ASSERT_TRUE(says(watch, "in force", heard)) << heard;
  EXPECT_EQ(plan().at("max_in_use"), 16);
  watch.send(SIGINT);
  EXPECT_TRUE(watch.wait_for(5s));
}

// In a folder of one's own: with the package alone, and watched from there.
TEST_F(Authoring, AFolderElsewhereIsBuiltByItsOwnCMakeListsAndCanBeWatched) {
  const fs::path folder = lab_->folder() / "else where";
  const auto said = lab({"new", "far", "--at", folder.string()});
  ASSERT_EQ(said.status, 0) << said.err;
  const auto cmake = [&](const std::vector<std::string> &more) {
    std::vector<std::string> words = {LAB_CMAKE};
    words.insert(words.end(), more.begin(), more.end());
    return db::run({.argv = words}, 60s);
  };
  const auto configured = cmake({"-S", folder.string(), "-B", (folder / "build").string(),
                                 "-DCMAKE_PREFIX_PATH=" + lab_->places().app().string()});
  ASSERT_TRUE(configured.well()) << configured.output;
  const auto built = cmake({"--build", (folder / "build").string()});
  ASSERT_TRUE(built.well()) << built.output;
  const auto verified = lab({"verify", (folder / "build/strategies/far.so").string()});
  EXPECT_EQ(verified.status, 0) << verified.out << verified.err;

  db::Child watch = watching({(folder / "far.cpp").string()});
  std::string heard;
  ASSERT_TRUE(says(watch, "in force", heard)) << heard;
  EXPECT_EQ(in_use(), "far");
  watch.send(SIGINT);
  EXPECT_TRUE(watch.wait_for(5s));
}

TEST_F(Authoring, AStrategyInPlainCIsBuiltAndUsedLikeAnyOther) {
  fs::copy_file(fs::path(LAB_SOURCE) / "plugins/good/plain_c.c", mine("in_c.c"));
  const auto used = lab({"use", "in_c"});
  ASSERT_EQ(used.status, 0) << used.out << used.err;
  EXPECT_EQ(plan().at("max_in_use"), 7);
}

} // namespace
} // namespace lab::cli
