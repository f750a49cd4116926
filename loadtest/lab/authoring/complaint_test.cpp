// A page of errors becomes the one that an author needs, at a line of the author's own file.
#include "loadtest/lab/authoring/complaint.hpp"

#include <gtest/gtest.h>

namespace lab::cli {
namespace {

TEST(Complaint, IsTheFirstErrorWithItsLineOfTheFile) {
  const Complaint first = first_error(
      "little.cpp: In member function 'pool_lab::Plan Little::look(const Observation&)':\n"
      "little.cpp:12:5: warning: unused variable 'x' [-Wunused-variable]\n"
      "little.cpp:14:12: error: 'needed' was not declared in this scope; did you mean 'need'?\n"
      "   14 |   return needed;\n"
      "      |          ^~~~~~\n"
      "      |          need\n"
      "little.cpp:15:1: error: expected '}' at end of input\n",
      "little.cpp");
  EXPECT_EQ(first.text(), "little.cpp:14:12: 'needed' was not declared in this scope; did you mean "
                          "'need'?\n   14 |   return needed;\n      |          ^~~~~~");
}

// Of a template, GCC names the header first, and who asked for it before.
TEST(Complaint, InAHeaderIsToldWhereTheAuthorReachedIt) {
  const Complaint first =
      first_error("In file included from my/little.cpp:2:\n"
                  "inc/strategy.hpp: In instantiation of 'void add(T) [with T = int]':\n"
                  "my/little.cpp:9:8:   required from here\n"
                  "    9 |   add(max, 1);\n"
                  "      |   ~~~^~~~~~~~\n"
                  "inc/strategy.hpp:40:3: error: no match for 'operator='\n"
                  "   40 |   field = value;\n",
                  "my/little.cpp");
  EXPECT_EQ(first.headline(), "my/little.cpp:9:8: no match for 'operator='");
  ASSERT_EQ(first.excerpt.size(), 2U);
  EXPECT_EQ(first.excerpt[0], "    9 |   add(max, 1);");
}

TEST(Complaint, InAMacroIsToldWhereTheAuthorUsedIt) {
  const Complaint first =
      first_error("inc/strategy.hpp:374:37: error: static assertion failed: Little needs a look\n"
                  "  374 |     static_assert(can_look<Type>,                                   \\\n"
                  "      |                   ~~~~~~~~~~~~~~\n"
                  "my/little.cpp:30:1: note: in expansion of macro 'POOL_LAB_STRATEGY'\n"
                  "   30 | POOL_LAB_STRATEGY(Little, \"x\")\n"
                  "      | ^~~~~~~~~~~~~~~~~\n"
                  "inc/strategy.hpp:271:47: error: 'struct Little' has no member named 'look'\n",
                  "my/little.cpp");
  EXPECT_EQ(first.headline(), "my/little.cpp:30:1: static assertion failed: Little needs a look");
}

TEST(Complaint, OfTheLinkerNamesWhatIsMissing) {
  EXPECT_EQ(first_error("/usr/bin/ld: /tmp/cc.o: in function `Little::look()':\n"
                        "little.cpp:9: undefined reference to `size_from_nowhere()'\n"
                        "collect2: error: ld returned 1 exit status\n",
                        "little.cpp")
                .text(),
            "size_from_nowhere() is used and nowhere defined: define it");
}

TEST(Complaint, OfAnotherKindIsAtLeastItsFirstLine) {
  EXPECT_EQ(first_error("\n  g++: fatal error: no input files\nmore\n", "x.cpp").text(),
            "  g++: fatal error: no input files");
  EXPECT_EQ(first_error("", "x.cpp").text(), "the compiler failed and said nothing");
  EXPECT_EQ(first_error("x.cpp:99999999999999999999:1: error: far\n", "x.cpp").text(),
            "x.cpp:99999999999999999999:1: error: far");
}

TEST(Complaint, OfAWarningIsFoundTheSameWay) {
  const std::string output = "a.cpp:3:7: warning: unused variable 'x'\n";
  ASSERT_TRUE(first_warning(output, "a.cpp"));
  EXPECT_EQ(first_warning(output, "a.cpp")->headline(), "a.cpp:3:7: unused variable 'x'");
  EXPECT_FALSE(first_warning("", "a.cpp"));
}

} // namespace
} // namespace lab::cli
