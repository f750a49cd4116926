// What is done to the pool by hand, over HTTP.
#include "host/test_host.hpp"
#include "host/test_waiting.hpp"

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

const std::string job = R"({"type":"send_email"})";

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

TEST(Pause, HoldsRequestsBackThroughASwapUntilItIsResumed) {
  const TestHost host({}, "bounded_timeout", {"--set", "wait_ms=60000"});
  EXPECT_EQ(pool_of(host)["paused"], false);
  for (const char *nonsense : {"{}", R"({"paused":1})", R"({"paused":"yes"})"})
    EXPECT_EQ(host.http("PUT", "/api/v1/pool", nonsense).status, 400) << nonsense;
  const std::string foreign = "Origin: http://elsewhere.example\r\n";
  EXPECT_EQ(host.http("PUT", "/api/v1/pool", R"({"paused":true})", foreign).status, 403);
  EXPECT_EQ(host.http("PUT", "/api/v1/pool", R"({"paused":true})").json(),
            json({{"paused", true}, {"changed", true}}));
  EXPECT_EQ(host.http("PUT", "/api/v1/pool", R"({"paused":true})").json()["changed"], false);

  EXPECT_EQ(host.http("POST", "/jobs", job, "Request-Timeout-Ms: 200\r\n").code(), "pool_timeout");
  auto waiter = std::async(std::launch::async, [&] { return host.http("POST", "/jobs", job); });
  ASSERT_TRUE(comes_true([&] { return pool_of(host)["waiting"] == 1; }));
  const json health = host.http("GET", "/health").json();
  EXPECT_EQ(health["status"], "degraded");
  EXPECT_EQ(health["pool"].get<std::string>().rfind("paused", 0), 0U) << health;

  EXPECT_EQ(host.http("PUT", "/api/v1/strategy", R"({"name":"adaptive"})").status, 200);
  EXPECT_EQ(pool_of(host)["paused"], true) << "a swap is no resume";
  EXPECT_EQ(pool_of(host)["plan"]["max_in_use"], 0);
  EXPECT_EQ(pool_of(host)["in_use"], 0);

  EXPECT_EQ(host.http("PUT", "/api/v1/pool", R"({"paused":false})").json(),
            json({{"paused", false}, {"changed", true}}));
  EXPECT_EQ(host.http("POST", "/jobs", job).status, 201);
  (void)waiter.get(); // served, or out of time under the new strategy's wait limit
  EXPECT_TRUE(comes_true([&] { return host.http("GET", "/health").json()["status"] == "ok"; }));
  EXPECT_EQ(events(host, "pause").size(), 2U) << "one for each change";
  EXPECT_EQ(events(host, "pause")[0]["paused"], true);
  EXPECT_EQ(events(host, "pause")[1]["paused"], false);
}

TEST(Pause, EndsWithTheHostsLife) {
  {
    const TestHost host;
    EXPECT_EQ(host.http("PUT", "/api/v1/pool", R"({"paused":true})").status, 200);
  }
  const TestHost host;
  EXPECT_EQ(pool_of(host)["paused"], false);
  EXPECT_EQ(host.http("POST", "/jobs", job).status, 201);
}

} // namespace
} // namespace lab::host
