// What a strategy's own mistakes may cost: never the plan in force, never half a change.
#include "host/pool/governor.hpp"

#include <chrono>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace lab::pool {
namespace {

class NoGuard : public CallGuard {
public:
  void enter(const char *) override {}
  void leave() override {}
};

class Choosy : public testing::Test {
protected:
  Choosy() {
    (void)governor_.adopt(governor_.load(
        "choosy", 1, std::filesystem::path(POOL_LAB_FIXTURES) / "choosy.so", {{"low", 2}}));
  }
  ~Choosy() override { (void)governor_.retire(std::move(*governor_.go_builtin())); }

  Decision look() { return governor_.look({}, std::nullopt); }

  NoGuard guard_;
  Governor governor_{1, guard_};
};

TEST_F(Choosy, SettingsAreTakenAllOrNone) {
  const ParamValues before = governor_.strategy()->values;
  const auto problem = governor_.set({{"high", 5}, {"low", 7}});
  ASSERT_TRUE(problem);
  EXPECT_FALSE(problem->threw) << "the SDK has stopped it";
  EXPECT_NE(problem->text.find("low is above high"), std::string::npos) << problem->text;
  EXPECT_EQ(governor_.strategy()->values, before);
  EXPECT_EQ(look().plan.max_in_use, 10U) << "nor has the strategy itself taken the first";
  // Back the way it came: the old high would be refused beside the new low.
  EXPECT_TRUE(governor_.set({{"high", 50}, {"low", 20}, {"odd", 4}}));
  EXPECT_EQ(governor_.strategy()->values, before);
  EXPECT_EQ(look().plan.max_in_use, 10U);
  EXPECT_FALSE(governor_.set({{"low", 3}, {"high", 5}}));
  EXPECT_EQ(look().plan.max_in_use, 5U);
}

TEST_F(Choosy, APlanWithoutAnExplanationIsFollowedAllTheSame) {
  ASSERT_FALSE(governor_.set({{"high", 42}}));
  const Decision decision = look();
  EXPECT_FALSE(decision.failure);
  EXPECT_EQ(decision.plan.max_in_use, 42U);
  EXPECT_NE(decision.explain.find("there are no words for it"), std::string::npos)
      << decision.explain;
}

// Its own `set` leaves in place what it refused: with the SDK, which puts it back, and without.
class Lax : public testing::TestWithParam<const char *> {
protected:
  Lax() {
    (void)governor_.adopt(governor_.load(
        GetParam(), 1, std::filesystem::path(POOL_LAB_FIXTURES) / (std::string(GetParam()) + ".so"),
        {}));
  }
  ~Lax() override { (void)governor_.retire(std::move(*governor_.go_builtin())); }

  NoGuard guard_;
  Governor governor_{1, guard_};
};

TEST_P(Lax, ASettingThatWasRefusedIsNotInForceInsideIt) {
  const ParamValues before = governor_.strategy()->values;
  const auto problem = governor_.set({{"high", 50}, {"low", 60}});
  ASSERT_TRUE(problem);
  EXPECT_NE(problem->text.find("low is above high"), std::string::npos) << problem->text;
  EXPECT_EQ(governor_.strategy()->values, before);
  const Plan plan = governor_.look({}, std::nullopt).plan;
  EXPECT_EQ(plan.min_idle, 1U) << "what it refused";
  EXPECT_EQ(plan.max_in_use, 10U) << "what it took before: refused, while low is still 60";
  EXPECT_FALSE(governor_.set({{"low", 3}})) << "and it is of use as before";
}

TEST_P(Lax, SettingsThatSuitEachOtherAreTakenInWhateverOrderTheyAreStated) {
  EXPECT_FALSE(governor_.set({{"low", 20}, {"high", 30}})) << "20 is above the old high";
  EXPECT_FALSE(governor_.set({{"high", 5}, {"low", 2}})) << "5 is below the old low";
  const Plan plan = governor_.look({}, std::nullopt).plan;
  EXPECT_EQ(plan.min_idle, 2U);
  EXPECT_EQ(plan.max_in_use, 5U);
  EXPECT_EQ(governor_.strategy()->values, (ParamValues{{"low", 2}, {"high", 5}, {"brittle", 0}}));
}

TEST_P(Lax, BeginsAnewAfterAFailedRestoreWithItsSettings) {
  const ParamValues stated{{"high", 30}, {"low", 20}}; // low alone is above the high by default
  const auto adopted = [&] {
    return governor_.adopt(governor_.load(
        GetParam(), 2, std::filesystem::path(POOL_LAB_FIXTURES) / (std::string(GetParam()) + ".so"),
        stated));
  };
  Adopted first = adopted();
  ASSERT_TRUE(first.state);
  EXPECT_NE(first.state->problem, "") << "a fresh start";
  const Plan plan = governor_.look({}, std::nullopt).plan;
  EXPECT_EQ(plan.min_idle, 20U);
  EXPECT_EQ(plan.max_in_use, 30U);
  EXPECT_EQ(governor_.strategy()->values, (ParamValues{{"low", 20}, {"high", 30}, {"brittle", 0}}));
  (void)governor_.retire(std::move(*first.old));
}

INSTANTIATE_TEST_SUITE_P(Ways, Lax, testing::Values("lax", "lax_own_set"),
                         [](const auto &way) { return std::string(way.param); });

// Notes each call of which a watchdog would be told.
class NotingGuard : public CallGuard {
public:
  void enter(const char *call) override { calls.emplace_back(call); }
  void leave() override {}
  std::vector<std::string> calls;
};

TEST(Governor, EndsUnderGuardTheStrategyThatRefusesItsFirstSettings) {
  NotingGuard guard;
  Governor governor(1, guard);
  EXPECT_THROW((void)governor.load("choosy", 1,
                                   std::filesystem::path(POOL_LAB_FIXTURES) / "choosy.so",
                                   {{"odd", 2}}),
               plugin::Unusable);
  EXPECT_EQ(guard.calls,
            (std::vector<std::string>{"load", "create", "set", "set", "destroy", "close"}))
      << "the second takes back what was refused";
}

TEST(Governor, EndsUnderGuardTheLibraryThatMakesNoInstance) {
  NotingGuard guard;
  Governor governor(1, guard);
  EXPECT_THROW((void)governor.load(
                   "null_from_create", 1,
                   std::filesystem::path(POOL_LAB_BAD_STRATEGIES) / "null_from_create.so", {}),
               plugin::Unusable);
  EXPECT_EQ(guard.calls, (std::vector<std::string>{"load", "create", "destroy", "close"}));
}

TEST(Governor, NoVerdictLetsARequestWaitForMoreThanAnHour) {
  NotingGuard guard;
  Governor governor(1, guard);
  (void)governor.adopt(governor.load(
      "very_patient", 1, std::filesystem::path(POOL_LAB_FIXTURES) / "very_patient.so", {}));
  EXPECT_EQ(governor.admit({}).verdict.wait, std::chrono::hours(1));
  (void)governor.retire(std::move(*governor.go_builtin()));
}

TEST(Governor, TellsOfAnExceptionThatCrossedTheInterfaceInAdmit) {
  NotingGuard guard;
  Governor governor(1, guard);
  (void)governor.adopt(
      governor.load("throw_in_admit", 1,
                    std::filesystem::path(POOL_LAB_BAD_STRATEGIES) / "throw_in_admit.so", {}));
  const Admission admission = governor.admit({});
  ASSERT_TRUE(admission.failure);
  EXPECT_TRUE(admission.failure->threw);
  EXPECT_EQ(admission.verdict.kind, Verdict::Kind::keep);
  governor.abandon();
}

TEST(Governor, TellsOfAnExceptionThatCrossedTheInterfaceOnTheWayBack) {
  NotingGuard guard;
  Governor governor(1, guard);
  (void)governor.adopt(governor.load("lax_own_set", 1,
                                     std::filesystem::path(POOL_LAB_FIXTURES) / "lax_own_set.so",
                                     {{"brittle", 1}}));
  guard.calls.clear();
  const auto failure = governor.set({{"high", 50}, {"low", 60}});
  ASSERT_TRUE(failure);
  EXPECT_TRUE(failure->threw) << failure->text;
  EXPECT_NE(failure->text.find("it broke"), std::string::npos) << failure->text;
  EXPECT_EQ(guard.calls, (std::vector<std::string>{"set", "set", "set"}))
      << "high, low, and low back: it is never called again";
  governor.abandon();
}

bool everybody_waits(RequestId) {
  return true;
}

// A clock that each call moves by 30 ms.
class SlowCalls : public CallGuard {
public:
  void enter(const char *) override { ++calls; }
  void leave() override { now += std::chrono::milliseconds(30); }
  int calls = 0;
  Time now{};
};

TEST(Governor, AsksOfManyWaitersOnlyAsLongAsOthersMayWaitForIt) {
  SlowCalls slow;
  Governor governor(1, slow);
  (void)governor.adopt(governor.load(
      "very_patient", 1, std::filesystem::path(POOL_LAB_FIXTURES) / "very_patient.so", {}));
  std::vector<WaitingRequest> waiting(1000);
  for (std::size_t i = 0; i < waiting.size(); ++i)
    waiting[i].request = RequestId(i + 1);
  slow.calls = 0;
  std::vector<RequestId> told;
  const auto unasked = governor.admit_all(
      waiting, [&] { return slow.now; }, everybody_waits,
      [&](RequestId request, const Admission &) { told.push_back(request); });
  EXPECT_EQ(told, (std::vector<RequestId>{RequestId(1), RequestId(2), RequestId(3), RequestId(4)}))
      << "the first in the line first";
  EXPECT_EQ(slow.calls, 4);
  EXPECT_EQ(unasked, 996U);
  (void)governor.retire(std::move(*governor.go_builtin()));
}

TEST(Governor, AsksNobodyMoreOnceTheStrategyIsGone) {
  NotingGuard guard;
  Governor governor(1, guard);
  (void)governor.adopt(governor.load(
      "very_patient", 1, std::filesystem::path(POOL_LAB_FIXTURES) / "very_patient.so", {}));
  int told = 0;
  const auto unasked = governor.admit_all(
      std::vector<WaitingRequest>(5), [] { return Time{}; }, everybody_waits,
      [&](RequestId, const Admission &) {
        ++told;
        (void)governor.retire(std::move(*governor.go_builtin()));
      });
  EXPECT_EQ(told, 1);
  EXPECT_EQ(unasked, 0U) << "it was not too slow";
}

TEST(Governor, AsksOnlyAboutRequestsThatStillWait) {
  SlowCalls slow;
  Governor governor(1, slow);
  (void)governor.adopt(governor.load(
      "very_patient", 1, std::filesystem::path(POOL_LAB_FIXTURES) / "very_patient.so", {}));
  std::vector<WaitingRequest> waiting(9);
  for (std::size_t i = 0; i < waiting.size(); ++i)
    waiting[i].request = RequestId(i + 1);
  slow.calls = 0;
  std::vector<RequestId> told;
  // As the second is asked about, the next three are served; and the eighth goes away.
  std::set<RequestId> left{RequestId(8)};
  const auto unasked = governor.admit_all(
      waiting, [&] { return slow.now; }, [&](RequestId request) { return !left.contains(request); },
      [&](RequestId request, const Admission &) {
        told.push_back(request);
        if (request == RequestId(2))
          left.insert({RequestId(3), RequestId(4), RequestId(5)});
      });
  EXPECT_EQ(told, (std::vector<RequestId>{RequestId(1), RequestId(2), RequestId(6), RequestId(7)}));
  EXPECT_EQ(slow.calls, 4);
  EXPECT_EQ(unasked, 1U) << "the ninth; nobody is kept who has left";
  (void)governor.retire(std::move(*governor.go_builtin()));
}

// An exception that the SDK stops, and one that crosses the interface.
class HandOver : public testing::TestWithParam<const char *> {
protected:
  Adopted adopt(const ParamValues &values) {
    return governor_.adopt(governor_.load(
        "careless", ++generation_,
        std::filesystem::path(POOL_LAB_FIXTURES) / (std::string(GetParam()) + ".so"), values));
  }
  ~HandOver() override { (void)governor_.retire(std::move(*governor_.go_builtin())); }
  unsigned size() { return governor_.look({}, std::nullopt).plan.max_in_use; }
  bool across() const { return GetParam() == std::string("careless_across"); }

  NotingGuard guard_;
  Governor governor_{1, guard_};
  std::uint64_t generation_ = 0;
};

TEST_P(HandOver, OfAStateIsTaken) {
  (void)adopt({{"size", 31}});
  const Adopted adopted = adopt({});
  ASSERT_TRUE(adopted.state);
  EXPECT_EQ(adopted.state->problem, "");
  EXPECT_EQ(size(), 31U);
}

TEST_P(HandOver, StartsAfreshWhereSaveThrew) {
  (void)adopt({{"size", 31}, {"in_save", 1}});
  Adopted adopted = adopt({{"size", 32}});
  ASSERT_TRUE(adopted.state);
  EXPECT_NE(adopted.state->problem.find("could not be saved"), std::string::npos);
  EXPECT_EQ(adopted.state->problem.find("no paper") != std::string::npos, across())
      << adopted.state->problem << ": the interface has no room for a text of save";
  EXPECT_EQ(size(), 32U);
  ASSERT_TRUE(adopted.old);
  const std::string closing = governor_.retire(std::move(*adopted.old)).problem;
  EXPECT_EQ(closing.find("quarantined") != std::string::npos, across())
      << closing << ": what threw across the interface is never called again";
}

TEST_P(HandOver, StartsAfreshWhereRestoreThrewWhenItHadTakenHalf) {
  (void)adopt({{"size", 31}});
  const Adopted adopted = adopt({{"size", 32}, {"in_restore", 1}});
  ASSERT_TRUE(adopted.state);
  EXPECT_NE(adopted.state->problem.find("a page is missing"), std::string::npos)
      << adopted.state->problem;
  EXPECT_EQ(size(), 32U);
  EXPECT_EQ(governor_.strategy()->values,
            (ParamValues{{"size", 32}, {"in_look", 0}, {"in_save", 0}, {"in_restore", 1}}));
}

INSTANTIATE_TEST_SUITE_P(Ways, HandOver, testing::Values("careless", "careless_across"),
                         [](const auto &way) { return std::string(way.param); });

} // namespace
} // namespace lab::pool
