// The waiting line by itself: its order, and until when each may wait.
#include "host/pool/line.hpp"

#include <chrono>
#include <vector>

#include <gtest/gtest.h>

namespace lab::pool {
namespace {

using std::chrono::seconds;

constexpr Time at(int s) {
  return Time(seconds(s));
}

Waiter waiter(std::uint64_t number, Time asked, Time deadline) {
  Waiter made{};
  made.request = RequestId{number};
  made.asked = asked;
  made.own_deadline = at(100);
  made.deadline = deadline;
  return made;
}

Line line_of(std::uint64_t count) {
  Line line;
  for (std::uint64_t number = 1; number <= count; ++number)
    line.join(Line::End::back, waiter(number, at(static_cast<int>(number)), at(10)));
  return line;
}

std::vector<std::uint64_t> order(const Line &line) {
  std::vector<std::uint64_t> numbers;
  for (const Waiter &one : line)
    numbers.push_back(static_cast<std::uint64_t>(one.request));
  return numbers;
}

using Numbers = std::vector<std::uint64_t>;

TEST(Line, ServesInTheOrderInWhichTheyJoinedItsEnds) {
  Line line = line_of(2);
  line.join(Line::End::front, waiter(3, at(3), at(10)));
  EXPECT_EQ(order(line), (Numbers{3, 1, 2}));
  EXPECT_EQ(line.front().request, RequestId{3});
}

TEST(Line, FindsWhoWaitsAndNobodyElse) {
  Line line = line_of(2);
  line.leave(RequestId{1});
  EXPECT_EQ(line.find(RequestId{1}), nullptr);
  ASSERT_NE(line.find(RequestId{2}), nullptr);
  EXPECT_EQ(line.find(RequestId{2})->asked, at(2));
}

TEST(Line, NamesTheEarliestDeadlineWhereverItsWaiterStands) {
  Line line;
  EXPECT_EQ(line.next_deadline(), Time::max());
  line.join(Line::End::back, waiter(1, at(1), at(9)));
  line.join(Line::End::back, waiter(2, at(2), at(4)));
  EXPECT_EQ(line.next_deadline(), at(4));
  EXPECT_EQ(line.first_due().request, RequestId{2});
  line.leave(RequestId{2});
  EXPECT_EQ(line.next_deadline(), at(9));
}

TEST(Line, AVerdictMovesAndMayExtendThePlansDeadlineButNotTheRequestsOwn) {
  Line line = line_of(3);
  line.judge(RequestId{3}, Line::End::front, at(50));
  EXPECT_EQ(order(line), (Numbers{3, 1, 2}));
  EXPECT_EQ(line.find(RequestId{3})->deadline, at(50));
  line.judge(RequestId{1}, Line::End::back, at(500));
  EXPECT_EQ(order(line), (Numbers{3, 2, 1}));
  EXPECT_EQ(line.find(RequestId{1})->deadline, at(100));
  EXPECT_EQ(line.next_deadline(), at(10)) << "the old ones are forgotten";
}

TEST(Line, AnotherTimeoutShortensAVerdictAndNeverExtendsIt) {
  Line line = line_of(2);
  line.judge(RequestId{1}, Line::End::back, at(20));
  line.plan_timeout(seconds(30));
  EXPECT_EQ(line.find(RequestId{1})->deadline, at(20));
  EXPECT_EQ(line.find(RequestId{2})->deadline, at(32));
  line.plan_timeout(seconds(5));
  EXPECT_EQ(line.find(RequestId{1})->deadline, at(6));
  EXPECT_EQ(line.next_deadline(), at(6));
}

TEST(Line, TurnsRoundThoseWithoutAVerdictOnly) {
  Line line = line_of(4);
  line.judge(RequestId{3}, Line::End::front, at(50));
  ASSERT_EQ(order(line), (Numbers{3, 1, 2, 4}));
  line.turn();
  EXPECT_EQ(order(line), (Numbers{3, 4, 2, 1}));
}

TEST(Line, TellsOfEachNewcomerOnceWithHowManyStandAhead) {
  Line line = line_of(2);
  EXPECT_EQ(line.take_newcomers().size(), 2U);
  line.join(Line::End::back, waiter(3, at(3), at(10)));
  const std::vector<Line::Newcomer> newcomers = line.take_newcomers();
  ASSERT_EQ(newcomers.size(), 1U);
  EXPECT_EQ(newcomers.front().waiter->request, RequestId{3});
  EXPECT_EQ(newcomers.front().ahead, 2U);
}

} // namespace
} // namespace lab::pool
