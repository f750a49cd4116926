#include "host/events/event_log.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace lab::host {
namespace {

using nlohmann::json;

struct EventLogTest : testing::Test {
  Clock clock;
  EventLog log{clock, 3};
  void append(int count) {
    for (int i = 0; i < count; ++i)
      log.append("mark", {{"text", "x"}});
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

TEST_F(EventLogTest, WhatIsNoTextIsMadeHarmless) {
  log.append("mark", {{"text", "\xff\xfe\n\n"}});
  const std::string data = log.after(0, 1).front().data;
  EXPECT_EQ(data.find('\n'), std::string::npos); // else it would end the event
  EXPECT_TRUE(json::accept(data));
}

} // namespace
} // namespace lab::host
