// What is done to the pool by hand, over HTTP.
#include "host/test_host.hpp"

#include <chrono>
#include <functional>
#include <future>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace lab::host {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

bool comes_true(const std::function<bool()> &condition, std::chrono::milliseconds within = 15s) {
  const auto until = std::chrono::steady_clock::now() + within;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until)
      return false;
    std::this_thread::sleep_for(10ms); // between two looks at a condition
  }
  return true;
}

json pool_of(const TestHost &host) {
  return host.http("GET", "/api/v1/pool").json();
}

// All events of that type that the log still has.
json events(const TestHost &host, const std::string &type) {
  json found = json::array();
  const Reply reply = host.http("GET", "/api/v1/events", "", "Accept: application/json\r\n");
  const json all = reply.json().at("events");
  for (const json &event : all)
    if (event["event"] == type)
      found.push_back(event["data"]);
  return found;
}

bool metrics_say(const TestHost &host, const std::string &line) {
  return host.http("GET", "/metrics").body.find(line) != std::string::npos;
}

TEST(Reclaim, FreesWhatIsSuspectedAndTellsWhoWatches) {
  const TestHost host({}, "bounded_timeout", {"--set", "max=1", "--leak-after", "1"});
  EXPECT_EQ(
      pool_of(host)["leaks"],
      json({{"after_ms", 1000.0}, {"suspected", 0}, {"reclaimed", 0}, {"now", json::array()}}));
  EXPECT_EQ(host.http("POST", "/api/v1/pool/reclaim").json(), json({{"reclaimed", 0}}));
  EXPECT_EQ(events(host, "leak"), json::array()) << "nothing happened";

  auto holder = std::async(std::launch::async, [&] {
    return host.http("POST", "/lab/hold", R"({"kind":"submit","hold_ms":5000})");
  });
  ASSERT_TRUE(comes_true([&] { return !pool_of(host)["leaks"]["now"].empty(); }));
  const json leak = pool_of(host)["leaks"]["now"][0];
  EXPECT_EQ(leak["route"], "POST /lab/hold");
  EXPECT_GE(leak["held_ms"], 1000.0);
  EXPECT_GT(leak["backend_pid"], 0);
  ASSERT_TRUE(comes_true([&] { return !events(host, "leak").empty(); }));
  EXPECT_EQ(events(host, "leak")[0]["what"], "suspected");
  EXPECT_EQ(events(host, "leak")[0]["backend_pid"], leak["backend_pid"]);
  EXPECT_TRUE(metrics_say(host, R"(pool_lab_pool_events_total{event="leaks_suspected"} 1)"));

  const Reply foreign =
      host.http("POST", "/api/v1/pool/reclaim", "", "Origin: http://elsewhere.example\r\n");
  EXPECT_EQ(foreign.status, 403);
  EXPECT_EQ(host.http("POST", "/api/v1/pool/reclaim").json(), json({{"reclaimed", 1}}));
  const Reply cut = holder.get();
  EXPECT_EQ(cut.status, 503);
  EXPECT_EQ(cut.code(), "db_unavailable") << cut.body;
  EXPECT_EQ(host.http("POST", "/jobs", R"({"type":"send_email"})").status, 201);
  EXPECT_TRUE(metrics_say(host, R"(pool_lab_pool_events_total{event="leaks_reclaimed"} 1)"));
  EXPECT_EQ(events(host, "leak").back()["what"], "reclaimed");
  EXPECT_EQ(events(host, "leak").back()["count"], 1);
  EXPECT_TRUE(pool_of(host)["leaks"]["now"].empty());
}

TEST(Reclaim, NobodyIsSuspectedWhereTheWatchIsOff) {
  const TestHost host({}, "bounded_timeout", {"--leak-after", "0"});
  EXPECT_EQ(pool_of(host)["leaks"]["after_ms"], nullptr);
}

} // namespace
} // namespace lab::host
