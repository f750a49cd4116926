// Formulas: what they count, and what they say when something isn't known.
#include <cmath>
#include <stdexcept>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadtest/lab/path/formula.hpp"

namespace lab::path {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Facts known() {
  Facts facts;
  facts.add("small", json::parse(R"({"pool": {"hold_ms": {"mean": 51.25}, "limit": 3},
    "failed": {"pool_timeout": 7}, "failed_percent": 12.3456, "good": true, "slo": null,
    "name": "x", "list": [1, 2]})"));
  return facts;
}

std::string mistake_in(const std::string &formula) {
  try {
    (void)evaluate(formula, known());
  } catch (const std::invalid_argument &e) {
    return e.what();
  }
  return "";
}

TEST(Formula, CountsAsAtSchool) {
  const Facts none;
  EXPECT_DOUBLE_EQ(evaluate("2 + 3 * 4 - 6 / 4", none), 12.5);
  EXPECT_DOUBLE_EQ(evaluate("(2 + 3) * -4", none), -20);
  EXPECT_DOUBLE_EQ(evaluate("2 ^ 10", none), 1024);
  EXPECT_DOUBLE_EQ(evaluate("10 / 0.020", none), 500);
  EXPECT_DOUBLE_EQ(evaluate("1e3 + .5", none), 1000.5);
  EXPECT_DOUBLE_EQ(evaluate("47 / 3 * small.pool.hold_ms.mean", known()), 47.0 / 3 * 51.25);
}

TEST(Formula, HasAFewFunctions) {
  const Facts none;
  EXPECT_DOUBLE_EQ(evaluate("floor(97 / 2)", none), 48);
  EXPECT_DOUBLE_EQ(evaluate("floor(-0.5)", none), -1);
  EXPECT_DOUBLE_EQ(evaluate("abs(3 - 5)", none), 2);
  EXPECT_DOUBLE_EQ(evaluate("min(4, 2, 3)", none), 2);
  EXPECT_DOUBLE_EQ(evaluate("max(4, 2, 9)", none), 9);
}

TEST(Formula, ComparesAndJoins) {
  const Facts none;
  for (const char *held : {"1 < 2", "2 <= 2", "3 > 2", "2 >= 2", "2 == 2", "2 != 3",
                           "1 < 2 && 3 > 2", "1 > 2 || 3 > 2", "0.5"})
    EXPECT_TRUE(holds(held, none)) << held;
  for (const char *not_held : {"2 < 1", "3 <= 2", "2 > 3", "1 >= 2", "2 == 3", "2 != 2",
                               "1 < 2 && 3 < 2", "1 > 2 || 3 < 2", "0"})
    EXPECT_FALSE(holds(not_held, none)) << not_held;
  EXPECT_EQ(evaluate("3 > 2", none), 1);
  EXPECT_EQ(evaluate("3 < 2", none), 0);
}

TEST(Formula, WhatIsUnknownHasNoValueAndHoldsNothing) {
  const Facts facts = known();
  for (const char *formula :
       {"gone", "small.gone", "2 * small.gone", "small.gone == small.gone", "small.gone != 1",
        "small.gone < 1", "1 == 1 || small.gone > 1", "small.gone > 1 || 1 == 1",
        "max(1, small.gone)", "0 * small.gone", "small.slo", "small.name", "small.list"}) {
    EXPECT_TRUE(std::isnan(evaluate(formula, facts))) << formula;
    EXPECT_FALSE(holds(formula, facts)) << formula;
  }
}

TEST(Formula, WhatIsNotFiniteIsUnknownToo) {
  EXPECT_TRUE(std::isnan(evaluate("1 / 0", {})));
  EXPECT_FALSE(holds("1 / 0", {}));
  EXPECT_TRUE(std::isnan(evaluate("0 / 0", {})));
}

TEST(Formula, FailuresAndFaultsThatNobodyCountedAreNone) {
  const Facts facts = known();
  EXPECT_EQ(evaluate("small.failed.pool_timeout", facts), 7);
  EXPECT_EQ(evaluate("small.failed.too_many_connections", facts), 0);
  EXPECT_EQ(evaluate("small.fault.seconds", facts), 0);
  EXPECT_EQ(evaluate("fault.seconds", {}), 0);
  EXPECT_EQ(evaluate("failed.pool_timeout", {}), 0);
  EXPECT_TRUE(holds("small.failed.too_many_connections == 0", facts));
  for (const char *other : {"small.failed", "failed", "small.not_failed.x", "small.failed.a.b"})
    EXPECT_TRUE(std::isnan(evaluate(other, facts))) << other;
}

TEST(Formula, TruthIsANumber) {
  EXPECT_EQ(evaluate("small.good", known()), 1);
  Facts own;
  own.add("", json{{"stopped", false}, {"pool", {{"limit", 4}}}});
  EXPECT_EQ(evaluate("stopped", own), 0);
  EXPECT_EQ(evaluate("pool.limit", own), 4);
}

TEST(Formula, NamesItsFacts) {
  EXPECT_THAT(names_in("a.b / max(c, a.b) + 3"), ElementsAre("a.b", "c"));
  EXPECT_THAT(names_in("1 + 2"), IsEmpty());
  EXPECT_THROW(names_in("1 +"), std::invalid_argument);
}

TEST(Formula, AMistakeIsOneLineThatShowsTheFormula) {
  for (const char *wrong : {"1 +", "(1", "1)", "small.pool.limit max(", "3 3", "sin(1", "a b",
                            "a $ 2", "", " ", "\"text\"", "2 * (3 +\n4"}) {
    const std::string said = mistake_in(wrong);
    EXPECT_THAT(said, Not(IsEmpty())) << wrong;
    EXPECT_THAT(said, Not(HasSubstr("\n"))) << wrong;
  }
  EXPECT_THAT(mistake_in("1 + + $"), HasSubstr("\"1 + + $\""));
}

// "max = 3" would set what it means to compare, and hold for every pool.
TEST(Formula, OneEqualsSignIsAMistake) {
  EXPECT_THAT(mistake_in("small.pool.limit = 4"), HasSubstr("=="));
  EXPECT_THAT(mistake_in("small.pool.limit += 4"), Not(IsEmpty()));
  EXPECT_THROW(names_in("small.pool.limit = 4"), std::invalid_argument);
  EXPECT_EQ(mistake_in("1 <= 2 && 2 >= 1 && 1 == 1 && 1 != 2"), "");
}

TEST(Formula, GivesOneNumber) {
  EXPECT_THAT(mistake_in("1, 2"), Not(IsEmpty()));
}

TEST(Formula, FillsNumbersIntoATextAsTheyAreStored) {
  const Facts facts = known();
  EXPECT_EQ(filled("held {small.pool.hold_ms.mean} ms", facts), "held 51.3 ms");
  EXPECT_EQ(filled("{small.failed_percent} % of {small.pool.limit}: {2 * small.pool.limit}", facts),
            "12.3 % of 3: 6");
  EXPECT_EQ(filled("{small.gone} ms", facts), "? ms");
  EXPECT_EQ(filled("nothing to fill, not even {}", facts), "nothing to fill, not even {}");
  EXPECT_EQ(filled("", facts), "");
  EXPECT_THAT(formulas_in("{a.b} and {1 + c}, {}"), ElementsAre("1 + c", "a.b"));
}

} // namespace
} // namespace lab::path
