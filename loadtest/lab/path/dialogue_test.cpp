// What the learner is shown and what is understood of the answer.
#include <algorithm>
#include <map>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadtest/lab/path/dialogue.hpp"
#include "loadtest/lab/path/made_up.hpp"

namespace lab::path {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

Question choice() {
  Question question;
  question.id = "others";
  question.ask = "What do the other {waiting} do?";
  question.options = {{"They wait", "", true}, {"They leave", "", false}, {"They sing", "", false}};
  return question;
}

Question number() {
  Question question;
  question.id = "turn";
  question.ask = "After how many ms?";
  question.number = "783";
  question.unit = "ms";
  return question;
}

std::string order(std::uint64_t salt, std::size_t tries, const Question &question = choice()) {
  std::string texts;
  for (const Option &option : shuffled(question, salt, tries))
    texts += option.text + ";";
  return texts;
}

TEST(Options, HaveAnotherOrderForEachLearnerAndAfterTries) {
  std::set<std::string> of_learners, of_tries;
  for (std::uint64_t salt = 1; salt <= 200; ++salt)
    of_learners.insert(order(salt, 0));
  for (std::size_t tries = 0; tries < 200; ++tries)
    of_tries.insert(order(12345, tries));
  EXPECT_EQ(of_learners.size(), 6U) << "all orders of three";
  EXPECT_EQ(of_tries.size(), 6U);
}

TEST(Options, TheRightOneIsAtNoFavouritePlace) {
  std::map<std::string, int> first;
  for (std::uint64_t salt = 1; salt <= 3000; ++salt)
    ++first[shuffled(choice(), salt, 0).front().text];
  for (const auto &[text, times] : first)
    EXPECT_GT(times, 600) << text;
  EXPECT_EQ(first.size(), 3U);
}

TEST(Options, TwoQuestionsOfALearnerAreOrderedApart) {
  Question other = choice();
  other.id = "else";
  int alike = 0;
  for (std::uint64_t salt = 1; salt <= 600; ++salt)
    alike += order(salt, 0) == order(salt, 0, other) ? 1 : 0;
  EXPECT_LT(alike, 300);
}

TEST(Options, TheSameLearnerSeesTheSameOrderUntilTheNextTry) {
  for (std::size_t tries = 0; tries < 5; ++tries)
    EXPECT_EQ(order(77, tries), order(77, tries));
}

TEST(Options, KeepWhatBelongsToThem) {
  const auto options = shuffled(choice(), 3, 1);
  ASSERT_EQ(options.size(), 3U);
  EXPECT_EQ(std::count_if(options.begin(), options.end(), [](const Option &o) { return o.right; }),
            1);
  for (const Option &option : options)
    EXPECT_EQ(option.right, option.text == "They wait");
  EXPECT_TRUE(shuffled(number(), 3, 1).empty());
}

TEST(ShownQuestion, HasLettersAndFilledNumbers) {
  Facts facts;
  facts.add("waiting", 47);
  EXPECT_EQ(shown_question(choice(), choice().options, facts),
            "others: What do the other 47 do?\n  a) They wait\n  b) They leave\n  c) They sing\n");
  EXPECT_EQ(shown_question(number(), {}, facts), "turn: After how many ms?\n");
}

TEST(Understood, ALetterOrTheTextOfAnOption) {
  const std::vector<Option> options = {choice().options[2], choice().options[0],
                                       choice().options[1]};
  for (const char *typed : {"b", "B", "b)", " b ", "b\r", "They wait", "  They wait\n"})
    EXPECT_EQ(understood(choice(), options, typed).answer, "They wait") << typed;
  EXPECT_EQ(understood(choice(), options, "a").answer, "They sing");
  EXPECT_EQ(understood(choice(), options, "c").answer, "They leave");
}

TEST(Understood, AnOptionIsKeptByItsIdAndNotTypedByIt) {
  Question named = choice();
  named.options[1].id = "leave";
  for (const char *typed : {"b", "They leave"})
    EXPECT_EQ(understood(named, named.options, typed).answer, "leave") << typed;
  EXPECT_FALSE(understood(named, named.options, "leave").answer)
      << "what can be passed on is no answer, as letters are none";
}

TEST(Understood, WhatIsNoOptionIsNoAnswer) {
  for (const char *typed : {"", " ", "d", "`", "1", "ab", "b.", "They", "they wait", "\xC3\xA4"}) {
    const Typed mistake = understood(choice(), choice().options, typed);
    EXPECT_FALSE(mistake.answer) << typed;
    EXPECT_EQ(mistake.problem, "others: the answer is a letter, a to c") << typed;
  }
}

TEST(Understood, ANumberStaysAsItWasTyped) {
  for (const char *typed : {"783", "0.5", "-3", "783 ms", "~783 ms", "7.8e2"})
    EXPECT_EQ(understood(number(), {}, typed).answer, typed);
  EXPECT_EQ(understood(number(), {}, "  783 ms\n").answer, "783 ms");
}

TEST(Understood, AUnitIsTheQuestionsOwnOrNone) {
  Question question = number();
  question.unit = "a second";
  for (const char *typed : {"500", "500 a second", "500  a second"})
    EXPECT_EQ(understood(question, {}, typed).answer, typed);
  EXPECT_FALSE(understood(question, {}, "500 ms").answer);
  question.unit = "";
  EXPECT_FALSE(understood(question, {}, "11 times").answer) << "there it is a number alone";
}

TEST(Understood, WhatIsNotOneNumberIsNoAnswer) {
  for (const char *typed : {"", " ", "ms", "about 783", "nan", "inf", "1e999", "1,500", "0,5",
                            "1 500", "47 / 3", "3-4", "3.4 s", "783 requests", "783 s", "1.5e"}) {
    const Typed mistake = understood(number(), {}, typed);
    EXPECT_FALSE(mistake.answer) << typed;
    EXPECT_EQ(mistake.problem, "turn: the answer is one number (ms), such as 1500 or 0.5") << typed;
  }
}

TEST(ParseAnswers, AreByQuestion) {
  const std::vector<Question> questions = {choice(), number()};
  EXPECT_THAT(parse_answers({"turn=783 ms", "others=a=b"}, questions),
              ElementsAre(Pair("others", "a=b"), Pair("turn", "783 ms")));
  EXPECT_THAT(parse_answers({}, questions), IsEmpty());
  EXPECT_THAT(parse_answers({"turn="}, questions), ElementsAre(Pair("turn", "")));
}

TEST(ParseAnswers, RefusesWhatNobodyAsked) {
  const std::vector<Question> questions = {choice(), number()};
  const auto refusal = [&](const std::vector<std::string> &given) {
    return failure_of([&] { (void)parse_answers(given, questions); });
  };
  EXPECT_EQ(refusal({"turn"}), "--answer turn: write ID=ANSWER; here the ids are others, turn");
  EXPECT_EQ(refusal({"tern=3"}),
            "--answer tern=3: there is no question tern here; there are others, turn");
  EXPECT_THAT(refusal({"=3"}), HasSubstr("there is no question"));
  EXPECT_EQ(refusal({"turn=3", "turn=4"}), "--answer turn=4: turn is answered twice");
  EXPECT_EQ(failure_of([] { (void)parse_answers({"x=3"}, {}); }),
            "--answer x=3: there is no question here");
}

} // namespace
} // namespace lab::path
