// Version 1 of the ABI stays what it is: where fields lie, that C11 and C++20 agree, and
// that a library which was built when it was made goes on to work.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "plugins/abi/layout.h"
#include "plugins/loader/library.hpp"
#include "plugins/verifier/verify.hpp"

namespace lab::plugin {
namespace {

namespace fs = std::filesystem;

const fs::path here = fs::path(POOL_LAB_SOURCE) / "plugins" / "abi";

// "pl_plan.max_in_use at 4, 4 bytes", a line for each field and each struct.
std::string text_of(const layout_row *row) {
  std::string text;
  for (; row->what != nullptr; ++row)
    text += fmt::format("{} at {}, {} bytes\n", row->what, row->offset, row->size);
  return text;
}

std::string bytes_of(const fs::path &file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Abi, EveryFieldLiesWhereTheGoldenTableHasIt) {
  EXPECT_EQ(text_of(layout_in_c()), bytes_of(here / "golden_v1.txt"));
}

TEST(Abi, TheLeastStrideOfAParamIsItsSizeInVersion1_0) {
  EXPECT_NE(bytes_of(here / "golden_v1.txt")
                .find(fmt::format("pl_param at 0, {} bytes\n", POOL_LAB_PARAM_SIZE_1_0)),
            std::string::npos);
}

TEST(Abi, C11AndCpp20Agree) {
  EXPECT_EQ(text_of(layout_in_c()), text_of(layout_in_cpp()));
}

// So nothing is missing in the table, and nothing that crosses is unset memory.
TEST(Abi, NoStructHasAHole) {
  std::string whole;
  std::size_t size = 0, end = 0;
  for (const layout_row *row = layout_in_c(); row->what != nullptr; ++row) {
    const std::string what = row->what;
    if (what.find('.') == std::string::npos) {
      EXPECT_EQ(end, size) << "at the end of " << whole;
      whole = what;
      size = row->size;
      end = 0;
      continue;
    }
    EXPECT_EQ(row->offset, end) << "before " << what;
    end = row->offset + row->size;
  }
  EXPECT_EQ(end, size) << "at the end of " << whole;
}

#if defined(__x86_64__)

const fs::path golden = here / "golden_v1.so";

TEST(Abi, TheGoldenLibraryOfVersion1IsAcceptedWithoutAWarning) {
  const Verdict verdict = verify(POOL_LAB_VERIFIER, golden);
  EXPECT_TRUE(verdict.ok) << verdict.what;
  EXPECT_TRUE(verdict.warnings.empty()) << verdict.warnings.front();
  EXPECT_EQ(verdict.summary, "golden, of ABI version 1.0");
}

TEST(Abi, TheGoldenLibraryOfVersion1IsUnderstoodInEveryPart) {
  Library library(golden);
  ASSERT_EQ(library.params().size(), 1U);
  EXPECT_EQ(library.params()[0].max, 900);
  Instance instance(library);
  pl_observation seen{};
  seen.struct_size = sizeof seen;
  seen.waiting.high = 40;
  pl_plan plan = default_plan();
  ASSERT_FALSE(instance.look(seen, plan));
  EXPECT_EQ(plan.max_in_use, 15U);
  EXPECT_EQ(plan.max_waiting, 500U);
  EXPECT_EQ(plan.wait_timeout, 700'000'000);
  EXPECT_EQ(plan.next_look, 50'000'000);
  EXPECT_EQ(plan.idle_timeout, default_plan().idle_timeout);
  ASSERT_FALSE(instance.set(0, 30));
  ASSERT_FALSE(instance.look(seen, plan));
  EXPECT_EQ(plan.max_in_use, 34U);
  pl_ask ask{};
  ask.struct_size = sizeof ask;
  ask.ahead = 401;
  pl_verdict verdict{};
  ASSERT_FALSE(instance.admit(ask, verdict));
  EXPECT_EQ(verdict.kind, static_cast<std::uint32_t>(PL_REFUSE));
  std::string why;
  ASSERT_FALSE(instance.explain(why));
  EXPECT_EQ(why, "golden, version 1");
  std::vector<std::byte> saved;
  ASSERT_FALSE(instance.save(saved));
  EXPECT_EQ(saved.size(), 8U);
  Instance heir(library);
  EXPECT_FALSE(heir.restore(saved));
  EXPECT_TRUE(heir.restore({}));
}

#endif

} // namespace
} // namespace lab::plugin
