#include "host/events/event_log.hpp"
#include "host/events/pool_reporter.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace lab::host {
namespace {

using nlohmann::json;

struct EventLogTest : testing::Test {
  Clock clock;
  EventLog log{clock, 3};
  void append(int count, const char *type = "gauges") {
    for (int i = 0; i < count; ++i)
      log.append(type, {{"text", "x"}});
  }
};

TEST_F(EventLogTest, GivesWhatCameAfterAPlaceInOrder) {
  append(2);
  const auto all = log.after(0, 10);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].number, 1U);
  EXPECT_EQ(all[1].number, 2U);
  EXPECT_EQ(log.after(1, 10).front().number, 2U);
  EXPECT_TRUE(log.after(2, 10).empty());
  EXPECT_TRUE(log.after(99, 10).empty());
  EXPECT_EQ(log.after(0, 1).size(), 1U);
}

TEST_F(EventLogTest, OneWhoFellBehindGoesOnAtTheOldestThatIsKept) {
  append(10);
  const auto left = log.after(2, 10);
  ASSERT_EQ(left.size(), 3U);
  EXPECT_EQ(left.front().number, 8U);
}

// Who opens the page four minutes after a load has begun must hear of it.
TEST_F(EventLogTest, WhatHappenedOnceOutlivesTheGaugesThatCameAfterIt) {
  append(1, "mark");
  append(4);
  append(1, "swap");
  append(10);
  const auto all = log.after(0, 10);
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(all[0].number, 1U);
  EXPECT_EQ(all[0].type, "mark");
  EXPECT_EQ(all[1].number, 6U);
  EXPECT_EQ(all[1].type, "swap");
  EXPECT_EQ(all[2].number, 14U);
  // In small parts, and from the middle, it is the same.
  EXPECT_EQ(log.after(1, 2).front().number, 6U);
  EXPECT_EQ(log.after(1, 2).back().number, 14U);
  EXPECT_EQ(log.after(6, 10).front().number, 14U);
}

TEST_F(EventLogTest, WhatHappenedIsNotKeptForEver) {
  append(static_cast<int>(EventLog::happened_kept) + 10, "mark");
  const auto all = log.after(0, 10'000);
  EXPECT_EQ(all.size(), EventLog::happened_kept + 3);
  EXPECT_EQ(all.front().number, 8U);
  EXPECT_EQ(all.back().number, EventLog::happened_kept + 10);
}

TEST_F(EventLogTest, APlaceInAnotherHostsLogIsTheBeginning) {
  append(2);
  EXPECT_EQ(log.place_of(log.id_of(2)), 2U);
  for (const char *id : {"", "2", "-2", "7-2", "x-y", "99999999999999999999-1"})
    EXPECT_EQ(log.place_of(id), 0U) << id;
  EXPECT_EQ(log.place_of(log.id_of(2) + "x"), 0U);
}

TEST_F(EventLogTest, EachEventSaysWhen) {
  const auto before = clock.wall_ms();
  append(1);
  const json data = json::parse(log.after(0, 1).front().data);
  EXPECT_GE(data.at("at_ms"), before);
  EXPECT_LE(data.at("at_ms"), clock.wall_ms());
}

TEST_F(EventLogTest, ASwapSaysWhyTheNewBuildStartsAfresh) {
  StrategyEvent event;
  event.name = event.from = "mine";
  append_strategy_event(log, event);
  event.problem = "a page is missing";
  append_strategy_event(log, event);
  const auto all = log.after(0, 10);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_TRUE(json::parse(all[0].data).at("problem").is_null());
  EXPECT_EQ(json::parse(all[1].data).at("problem"), "a page is missing");
}

TEST_F(EventLogTest, WhatIsNoTextIsMadeHarmless) {
  log.append("mark", {{"text", "\xff\xfe\n\n"}});
  const std::string data = log.after(0, 1).front().data;
  EXPECT_EQ(data.find('\n'), std::string::npos); // else it would end the event
  EXPECT_TRUE(json::accept(data));
}

} // namespace
} // namespace lab::host
