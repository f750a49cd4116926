// Loading, calling and really unloading; names, folders and private copies.

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/stat.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

#include <gtest/gtest.h>

#include "plugins/loader/find.hpp"
#include "plugins/loader/library.hpp"
#include "plugins/loader/shown_text.hpp"
#include "plugins/loader/table.hpp"

namespace lab::plugin {
namespace {

namespace fs = std::filesystem;

const fs::path built = POOL_LAB_BUILT;
const fs::path tiny = built / "strategies" / "fixed_tiny.so";

class Loader : public testing::Test {
protected:
  Loader() {
    std::string name = (fs::temp_directory_path() / "loader_test.XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~Loader() override { fs::remove_all(folder_); }

  fs::path make_folder(const std::string &name) {
    fs::create_directories(folder_ / name);
    return folder_ / name;
  }

  fs::path folder_;
};

pl_observation first_look() {
  pl_observation seen{};
  seen.struct_size = sizeof seen;
  seen.plan = default_plan();
  seen.absolute_max = POOL_LAB_MAX_SIZE;
  seen.server_age = -1;
  seen.sample_stride = sizeof(pl_sample);
  return seen;
}

unsigned size_asked_by(Library &library) {
  Instance instance(library);
  pl_plan plan = default_plan();
  const CallResult failure = instance.look(first_look(), plan);
  EXPECT_FALSE(failure) << failure->text;
  return plan.max_in_use;
}

bool mapped(const std::string &file) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    if (line.find(file) != std::string::npos)
      return true;
  return false;
}

std::string refusal(const fs::path &file, const std::string &check) {
  try {
    Library library(file);
    ADD_FAILURE() << file << " was loaded";
    return "";
  } catch (const Unusable &unusable) {
    EXPECT_EQ(unusable.check, check) << unusable.what();
    EXPECT_FALSE(mapped(file.filename().string())) << "refused, and still mapped";
    return unusable.what();
  }
}

TEST_F(Loader, LoadsAndReallyUnloadsAHundredTimes) {
  const fs::path copies = make_folder("copies");
  for (std::uint64_t generation = 1; generation <= 100; ++generation) {
    const char *name = generation % 2 == 0 ? "adaptive" : "fixed_tiny";
    const fs::path copy = copy_under_fresh_name(built / "strategies" / (std::string(name) + ".so"),
                                                copies, name, generation);
    Library library(copy);
    EXPECT_TRUE(mapped(copy.string())) << "this test looks at the wrong name";
    fs::remove(copy); // a host does that: mapped code needs no name
    EXPECT_GT(size_asked_by(library), 0u);
    const Closed closed = library.close();
    ASSERT_TRUE(closed.unmapped) << generation << ": " << closed.problem;
    ASSERT_FALSE(mapped(copy.string()));
  }
}

TEST_F(Loader, ARebuiltConstantIsSeenAfterReload) {
  const fs::path copies = make_folder("copies");
  const fs::path source = folder_ / "constant.so";
  for (const unsigned value : {5u, 7u, 5u}) {
    fs::copy_file(built / "good" / ("constant_" + std::to_string(value) + ".so"), source,
                  fs::copy_options::overwrite_existing);
    Library library(copy_under_fresh_name(source, copies, "constant", 1));
    EXPECT_EQ(size_asked_by(library), value);
  }
  // And side by side: each build has its own state.
  fs::copy_file(built / "good" / "constant_7.so", source, fs::copy_options::overwrite_existing);
  Library seven(copy_under_fresh_name(source, copies, "constant", 2));
  Library five(copy_under_fresh_name(built / "good" / "constant_5.so", copies, "constant", 2));
  EXPECT_EQ(size_asked_by(five), 5u);
  EXPECT_EQ(size_asked_by(seven), 7u);
}

TEST_F(Loader, SaysWhenALibraryStaysMapped) {
#if defined(__GNUC__) && !defined(__clang__) // clang makes no GNU_UNIQUE symbols
  // Also when the file has been deleted since, and in a path with a space.
  const fs::path copy = copy_under_fresh_name(built / "bad" / "stays_mapped.so",
                                              make_folder("with a space"), "stays_mapped", 1);
  Library library(copy);
  fs::remove(copy);
  const Closed closed = library.close();
  EXPECT_FALSE(closed.unmapped);
  EXPECT_NE(closed.problem.find("stays mapped"), std::string::npos);
  EXPECT_FALSE(library.close().unmapped) << "the second answer differs from the first";
#endif
}

TEST_F(Loader, WhatWasCopiedOutOutlivesTheLibrary) {
  Library library(tiny);
  ASSERT_TRUE(library.close().unmapped);
  EXPECT_NE(library.summary().find("3 connections"), std::string::npos);
  ASSERT_EQ(library.params().size(), 2u);
  EXPECT_EQ(library.params()[0].help, "connections, at most");
  EXPECT_TRUE(library.close().unmapped);
  EXPECT_THROW(Instance instance(library), Unusable);
}

TEST_F(Loader, NeverClosesUnderALivingInstance) {
  Library library(tiny);
  {
    Instance instance(library);
    const Closed refused = library.close();
    EXPECT_FALSE(refused.unmapped);
    EXPECT_NE(refused.problem.find("1 of its instances"), std::string::npos);
    pl_plan plan = default_plan();
    EXPECT_FALSE(instance.look(first_look(), plan)); // its code is still there
  }
  EXPECT_TRUE(library.close().unmapped);
}

TEST_F(Loader, QuarantineKeepsTheCodeForEver) {
#if defined(__SANITIZE_ADDRESS__)
  const __lsan::ScopedDisabler an_abandoned_instance_is_never_freed;
#endif
  const fs::path copy = copy_under_fresh_name(tiny, make_folder("copies"), "fixed_tiny", 1);
  {
    Library library(copy);
    Instance instance(library);
    library.quarantine();
    instance.abandon();
    EXPECT_FALSE(library.close().unmapped);
    EXPECT_NE(library.close().problem.find("quarantined"), std::string::npos);
  }
  EXPECT_TRUE(mapped(copy.string()));
}

TEST_F(Loader, TellsWhyALibraryCanNotBeUsed) {
  EXPECT_NE(refusal(built / "bad" / "undefined_symbol.so", "load").find("size_from_nowhere"),
            std::string::npos);
  EXPECT_NE(refusal(built / "bad" / "no_entry.so", "entry").find("POOL_LAB_STRATEGY"),
            std::string::npos);
  EXPECT_NE(refusal(built / "bad" / "wrong_major.so", "version").find("2.7"), std::string::npos);
  EXPECT_NE(refusal(built / "bad" / "wrong_magic.so", "table").find("deadbeef"), std::string::npos);
  EXPECT_NE(refusal(built / "bad" / "short_table.so", "table").find("32"), std::string::npos);
  EXPECT_NE(refusal(built / "bad" / "null_look.so", "table").find("look"), std::string::npos);
  EXPECT_NE(refusal(built / "bad" / "endless_param_range.so", "params").find("factor"),
            std::string::npos);
  refusal(folder_ / "missing.so", "load");
}

TEST_F(Loader, FailuresHaveTextsAndExceptionsStopAtTheBorder) {
  Library refusing(built / "bad" / "null_from_create.so");
  try {
    Instance instance(refusing);
    ADD_FAILURE();
  } catch (const Unusable &unusable) {
    EXPECT_STREQ(unusable.what(), "create failed: no room for my big table \\x1B[31m");
  }
  EXPECT_TRUE(refusing.close().unmapped);

  pl_observation seen = first_look();
  seen.asked = 1;
  seen.waiting.now = 200;
  pl_plan plan = default_plan();
  {
    Library throwing(built / "bad" / "throw_across_abi.so");
    Instance instance(throwing);
    const CallResult failure = instance.look(seen, plan);
    ASSERT_TRUE(failure);
    EXPECT_TRUE(failure->threw);
    EXPECT_NE(failure->text.find("thrown across the border"), std::string::npos);
    EXPECT_FALSE(instance.destroy());
    EXPECT_TRUE(throwing.close().unmapped);
  }
  Library failing(built / "bad" / "throw_in_look.so"); // the SDK catches that one
  Instance instance(failing);
  const CallResult failure = instance.look(seen, plan);
  ASSERT_TRUE(failure);
  EXPECT_FALSE(failure->threw);
  EXPECT_NE(failure->text.find("no idea what to do"), std::string::npos);
}

// pl_param as a later version may have it.
struct LaterParam {
  pl_param known;
  double step;
};

// A table whose parameters are `all`, apart by their own size.
template <class Entry> pl_strategy table_of(const std::vector<Entry> &all) {
  pl_strategy table{};
  table.params = reinterpret_cast<const pl_param *>(all.data());
  table.param_count = static_cast<std::uint32_t>(all.size());
  table.param_stride = sizeof(Entry);
  table.set = [](void *, std::uint32_t, double, pl_text *) { return 0; };
  return table;
}

constexpr pl_param low{"low", "the lower one", PL_INTEGER, 0, 3, 1, 10};
constexpr pl_param high{"high", "the higher one", PL_REAL, 0, 7, 0, 20};

TEST(ParamTable, OfALaterLibraryIsReadAsFarAsThisHostKnowsIt) {
  const std::vector<LaterParam> later{{low, 1}, {high, 0.5}};
  const std::vector<Param> params = checked_params(table_of(later));
  ASSERT_EQ(params.size(), 2U);
  EXPECT_EQ(params[1].name, "high");
  EXPECT_EQ(params[1].help, "the higher one");
  EXPECT_EQ(params[1].max, 20);
}

TEST(ParamTable, OfVersion1_0IsTakenByAHostWhoseParamHasGrown) {
  const std::vector<pl_param> old{low, high};
  const std::vector<LaterParam> params = raw_params<LaterParam>(table_of(old));
  ASSERT_EQ(params.size(), 2U);
  EXPECT_STREQ(params[0].known.name, "low");
  EXPECT_EQ(params[0].step, 0) << "absent, and not the next one's name";
  EXPECT_STREQ(params[1].known.name, "high");
  EXPECT_EQ(params[1].step, 0);
}

TEST(ParamTable, IsRefusedWithAStrideThatNoArrayHas) {
  const std::vector<LaterParam> later{{low, 1}, {high, 0.5}};
  for (const std::uint32_t stride : {0U, 8U, 40U, 47U, 52U}) {
    pl_strategy table = table_of(later);
    table.param_stride = stride;
    try {
      (void)checked_params(table);
      ADD_FAILURE() << stride;
    } catch (const Unusable &unusable) {
      EXPECT_EQ(unusable.check, "params");
      EXPECT_NE(std::string(unusable.what()).find("param_stride"), std::string::npos)
          << unusable.what();
    }
  }
}

TEST_F(Loader, SetChecksTypeAndRangeFirst) {
  Library library(built / "good" / "everything.so");
  Instance instance(library);
  const auto index = [&](const char *name) { return *index_of(library.params(), name); };
  EXPECT_FALSE(instance.set(index("max"), 40));
  EXPECT_FALSE(instance.set(index("factor"), 1));
  EXPECT_FALSE(instance.set(index("newest_first"), 1));
  EXPECT_FALSE(instance.set(index("wait_ms"), 1.5));
  pl_plan plan = default_plan();
  ASSERT_FALSE(instance.look(first_look(), plan));
  EXPECT_EQ(plan.max_in_use, 40u);
  EXPECT_EQ(plan.order, static_cast<unsigned>(PL_LIFO));
  EXPECT_EQ(plan.wait_timeout, 1'500'000);

  EXPECT_TRUE(instance.set(index("max"), 0));
  EXPECT_TRUE(instance.set(index("max"), 10.5));
  EXPECT_TRUE(instance.set(index("newest_first"), 0.5));
  EXPECT_TRUE(instance.set(index("factor"), std::nan("")));
  EXPECT_TRUE(instance.set(index("factor"), std::numeric_limits<double>::infinity()));
  EXPECT_TRUE(instance.set(99, 1));
  ASSERT_FALSE(instance.look(first_look(), plan));
  EXPECT_EQ(plan.max_in_use, 40u) << "a refused value was set";
  EXPECT_NE(instance.set(index("max"), 2000)->text.find("max is 2000: it must be from 1 to 1000"),
            std::string::npos);
}

TEST_F(Loader, OptionalFunctionsAnswerOrAreAbsent) {
  Library library(built / "good" / "everything.so");
  Instance instance(library);
  pl_plan plan = default_plan();
  ASSERT_FALSE(instance.look(first_look(), plan));
  std::string why;
  EXPECT_FALSE(instance.explain(why));
  EXPECT_EQ(why, "look 1, wait 500.0 ms");
  pl_ask ask{};
  ask.struct_size = sizeof ask;
  ask.ahead = 51;
  pl_verdict verdict{};
  EXPECT_FALSE(instance.admit(ask, verdict));
  EXPECT_EQ(verdict.kind, static_cast<unsigned>(PL_REFUSE));
  std::vector<std::byte> state;
  EXPECT_FALSE(instance.save(state));
  EXPECT_EQ(state.size(), sizeof(unsigned long));
  Instance heir(library);
  EXPECT_FALSE(heir.restore(state));
  EXPECT_TRUE(heir.restore({std::byte{1}}));
  ASSERT_FALSE(heir.look(first_look(), plan));
  EXPECT_FALSE(heir.explain(why));
  EXPECT_EQ(why, "look 2, wait 500.0 ms");

  Library without(built / "good" / "constant_5.so");
  EXPECT_FALSE(without.has_admit() || without.has_explain() || without.has_save() ||
               without.has_restore());
  Instance plain(without);
  verdict.kind = 9;
  EXPECT_FALSE(plain.admit(ask, verdict));
  EXPECT_EQ(verdict.kind, static_cast<unsigned>(PL_KEEP));
  EXPECT_FALSE(plain.explain(why));
  EXPECT_EQ(why, "");
  EXPECT_FALSE(plain.save(state));
  EXPECT_TRUE(state.empty());
  EXPECT_FALSE(plain.restore(state));
}

TEST_F(Loader, NamesAreLettersDigitsAndUnderscores) {
  for (const char *good : {"a", "fixed_tiny", "x9", "a_"})
    EXPECT_TRUE(valid_name(good)) << good;
  EXPECT_TRUE(valid_name(std::string(64, 'a')));
  EXPECT_FALSE(valid_name(std::string(65, 'a')));
  for (const std::string bad : {"", "A", "9a", "_a", "a-b", "a.so", "../a", "a/b", "a b", "\u00e4"})
    EXPECT_FALSE(valid_name(bad)) << bad;
  EXPECT_FALSE(valid_name(std::string_view("a\0b", 3)));
}

TEST_F(Loader, TheFirstFolderWinsAndAClashIsSaid) {
  const fs::path lab = make_folder("lab"), mine = make_folder("mine");
  for (const char *file : {"fixed_tiny.so", "adaptive.so", "notes.txt"})
    std::ofstream(lab / file) << "x";
  for (const char *file : {"fixed_tiny.so", "mine.so", "Not-a-name.so"})
    std::ofstream(mine / file) << "x";
  fs::create_directory(mine / "folder.so");
  const std::vector<fs::path> folders{lab, folder_ / "missing", mine};

  const std::vector<Found> found = find_strategies(folders);
  ASSERT_EQ(found.size(), 5u);
  ASSERT_TRUE(found[2].problem && found[3].problem);
  EXPECT_EQ(found[0].name, "adaptive");
  EXPECT_EQ(found[1].name, "fixed_tiny");
  EXPECT_EQ(found[1].folder, 0u);
  EXPECT_FALSE(found[0].problem || found[1].problem);
  EXPECT_NE(found[2].problem->find("rename the file"), std::string::npos);
  EXPECT_EQ(found[3].name, "fixed_tiny");
  EXPECT_EQ(found[3].folder, 2u);
  EXPECT_NE(found[3].problem->find("is taken by"), std::string::npos);
  EXPECT_EQ(found[4].name, "mine");
  EXPECT_FALSE(found[4].problem);

  EXPECT_EQ(find_strategy(folders, "fixed_tiny")->path, lab / "fixed_tiny.so");
  EXPECT_EQ(find_strategy(folders, "mine")->path, mine / "mine.so");
  EXPECT_FALSE(find_strategy(folders, "Not-a-name"));
  EXPECT_FALSE(find_strategy(folders, "../mine/mine"));
  EXPECT_FALSE(find_strategy(folders, "missing"));
}

TEST_F(Loader, CopiesAreFreshPrivateAndComplete) {
  const fs::path copies = make_folder("copies with a space");
  const fs::path one = copy_under_fresh_name(tiny, copies, "fixed_tiny", 4);
  const fs::path two = copy_under_fresh_name(tiny, copies, "fixed_tiny", 4);
  EXPECT_NE(one, two);
  EXPECT_EQ(one.parent_path(), copies);
  EXPECT_EQ(one.filename().string().rfind("fixed_tiny.4.", 0), 0u);
  EXPECT_EQ(fs::file_size(one), fs::file_size(tiny));
  EXPECT_EQ(fs::status(one).permissions() & fs::perms(0077), fs::perms::none);
  Library library(one);
  EXPECT_TRUE(library.close().unmapped); // also in a path with a space
}

TEST_F(Loader, ACopyThatCanNotBeMadeSaysWhy) {
  const fs::path copies = make_folder("copies");
  const auto problem = [&](const fs::path &source, const fs::path &into, const char *name) {
    try {
      copy_under_fresh_name(source, into, name, 1);
      ADD_FAILURE() << source;
      return std::string();
    } catch (const std::runtime_error &error) {
      return std::string(error.what());
    }
  };
  EXPECT_NE(problem(folder_ / "gone.so", copies, "gone").find("gone.so can't be read"),
            std::string::npos);
  EXPECT_NE(problem(folder_, copies, "a").find("is not a file"), std::string::npos);
  ASSERT_EQ(::mkfifo((folder_ / "pipe.so").c_str(), 0600), 0);
  EXPECT_NE(problem(folder_ / "pipe.so", copies, "pipe").find("is not a file"), std::string::npos);
  EXPECT_NE(problem(tiny, folder_ / "missing", "a").find("can't be made in"), std::string::npos);
  EXPECT_NE(problem(tiny, copies, "../a").find("no name of a strategy"), std::string::npos);
  std::ofstream(folder_ / "large.so") << "x";
  fs::resize_file(folder_ / "large.so", 65 << 20);
  EXPECT_NE(problem(folder_ / "large.so", copies, "large").find("65 MB"), std::string::npos);

  // A full disc, played by a limit on the size of files.
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{4096, before.rlim_max};
  const auto ignored = ::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  const std::string full = problem(tiny, copies, "full");
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, ignored);
  EXPECT_NE(full.find("private copy can't be written"), std::string::npos) << full;
  EXPECT_TRUE(fs::is_empty(copies)) << "a failed copy was left behind";
}

TEST_F(Loader, TextsOfPluginsAreShownAsText) {
  EXPECT_EQ(shown_text("plain"), "plain");
  EXPECT_EQ(shown_text("two\nlines\r\n\n"), "two lines");
  EXPECT_EQ(shown_text("red \x1b[31m"), "red \\x1B[31m");
  EXPECT_EQ(shown_text("gr\u00fc\u00df \U0001F600"), "gr\u00fc\u00df \U0001F600");
  EXPECT_EQ(shown_text("bad \xff\xc3"), "bad \\xFF\\xC3");
  EXPECT_EQ(shown_text("\xc0\xaf \xed\xa0\x80"), "\\xC0\\xAF \\xED\\xA0\\x80");
  EXPECT_EQ(shown_text("turned \u202e"), "turned \\xE2\\x80\\xAE");
  EXPECT_EQ(shown_text(std::string(50, 'a'), 10), "aaaaaaaaaa...");
}

} // namespace
} // namespace lab::plugin
