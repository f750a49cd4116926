// The host's own faults: they begin, can be seen, and are undone by time and by clear.
#include "host/test_host.hpp"
#include "host/test_waiting.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <future>
#include <string>
#include <thread>

#include <nlohmann/json.hpp>

namespace lab::host {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

const std::string job = R"({"type":"send_email"})";

Reply fault(const TestHost &host, const std::string &body) {
  return host.http("POST", "/lab/faults", body);
}

json in_force(const TestHost &host) {
  return host.http("GET", "/lab/faults").json();
}

// What the page is told of faults, in order.
std::string told(const TestHost &host) {
  std::string all;
  const json events =
      host.http("GET", "/api/v1/events", "", "Accept: application/json\r\n").json()["events"];
  for (const json &event : events)
    if (event["event"] == "fault")
      all += event["data"]["what"].get<std::string>() + "\n";
  return all;
}

TEST(HostFaults, ALeakKeepsItsConnectionsUntilItIsCleared) {
  const TestHost host; // on bounded_timeout: 10 connections, a wait of 1 s
  ASSERT_EQ(fault(host, R"({"fault":"leak","count":10,"length_ms":60000})").status, 200);
  ASSERT_TRUE(comes_true([&] { return in_force(host)["leak"]["held"] == 10; }));
  EXPECT_EQ(host.http("GET", "/api/v1/pool").json()["in_use"], 10);
  EXPECT_EQ(host.http("POST", "/jobs", job).code(), "pool_timeout");
  EXPECT_EQ(fault(host, R"({"fault":"leak","count":1,"length_ms":1000})").status, 400)
      << "one at a time";

  EXPECT_EQ(host.http("DELETE", "/lab/faults").status, 200);
  EXPECT_EQ(in_force(host), json::object());
  EXPECT_EQ(host.http("POST", "/jobs", job).status, 201);
  EXPECT_EQ(host.http("GET", "/api/v1/pool").json()["open"], 10) << "given back, not thrown away";
  EXPECT_EQ(told(host), "10 connections leak\nthe leaked connections are back\n");
}

TEST(HostFaults, ALeakEndsByItselfAndTakesNoMoreThanThePoolGives) {
  const TestHost host;
  ASSERT_EQ(fault(host, R"({"fault":"leak","count":1000,"length_ms":1500})").status, 200);
  ASSERT_TRUE(comes_true([&] { return in_force(host)["leak"]["held"] == 10; }));
  EXPECT_TRUE(comes_true([&] { return in_force(host).empty(); }));
  EXPECT_EQ(host.http("POST", "/jobs", job).status, 201);
  EXPECT_EQ(host.http("GET", "/api/v1/pool").json()["in_use"], 0);
}

TEST(HostFaults, SlowConnectsDelayWhoNeedsANewConnectionUntilTheyAreCleared) {
  const TestHost host;
  ASSERT_EQ(fault(host, R"({"fault":"slow_connects","ms":700,"length_ms":60000})").status, 200);
  EXPECT_EQ(in_force(host)["slow_connects"]["ms"], 700);
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(host.http("POST", "/jobs", job).status, 201);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 700ms);
  EXPECT_EQ(host.http("POST", "/jobs", job).status, 201) << "the open one serves as before";

  // One that is being connected so slowly is there at once when it is over.
  EXPECT_EQ(fault(host, R"({"clear":"slow_connects"})").status, 200);
  ASSERT_EQ(fault(host, R"({"fault":"slow_connects","ms":10000,"length_ms":60000})").status, 200);
  auto hold = std::async(std::launch::async, [&] {
    return host.http("POST", "/lab/hold", R"({"kind":"submit","hold_ms":2000})");
  });
  ASSERT_TRUE(comes_true([&] { return host.http("GET", "/api/v1/pool").json()["in_use"] == 1; }));
  auto second = std::async(std::launch::async, [&] { return host.http("POST", "/jobs", job); });
  ASSERT_TRUE(
      comes_true([&] { return host.http("GET", "/api/v1/pool").json()["connecting"] == 1; }));
  EXPECT_EQ(fault(host, R"({"clear":true})").status, 200);
  EXPECT_EQ(second.get().status, 201);
  EXPECT_EQ(hold.get().status, 200);
  EXPECT_EQ(in_force(host), json::object());
}

TEST(HostFaults, SlowConnectsEndByThemselves) {
  const TestHost host;
  ASSERT_EQ(fault(host, R"({"fault":"slow_connects","ms":10000,"length_ms":300})").status, 200);
  EXPECT_EQ(host.http("POST", "/jobs", job).status, 201) << "it waits at most 1 s";
  EXPECT_EQ(in_force(host), json::object());
  EXPECT_EQ(told(host), "each new connection takes 10000 ms longer\n"
                        "new connections are as quick as before\n");
}

TEST(HostFaults, AreBoundedAndForThisSiteOnly) {
  const TestHost host;
  for (const char *wrong :
       {R"({})", R"({"fault":"fire"})", R"({"clear":"fire"})", R"({"fault":"leak","count":3})",
        R"({"fault":"leak","count":1001,"length_ms":1000})",
        R"({"fault":"leak","count":0,"length_ms":1000})",
        R"({"fault":"leak","count":1,"length_ms":120001})",
        R"({"fault":"slow_connects","ms":10001,"length_ms":1000})",
        R"({"fault":"slow_connects","ms":-1,"length_ms":1000})"})
    EXPECT_EQ(fault(host, wrong).status, 400) << wrong;
  EXPECT_EQ(host.http("POST", "/lab/faults", R"({"fault":"leak","count":1,"length_ms":1000})",
                      "Sec-Fetch-Site: cross-site\r\n")
                .status,
            403);
  EXPECT_EQ(in_force(host), json::object());
}

TEST(HostFaults, AHostThatIsToldToStopWaitsForNoLeak) {
  TestHost host;
  ASSERT_EQ(fault(host, R"({"fault":"leak","count":3,"length_ms":60000})").status, 200);
  ASSERT_TRUE(comes_true([&] { return in_force(host)["leak"]["held"] == 3; }));
  const auto asked = std::chrono::steady_clock::now();
  EXPECT_EQ(host.stop().status, 0);
  EXPECT_LT(std::chrono::steady_clock::now() - asked, 10s);
}

TEST(HostFaults, AMarkMayBeOfAFault) {
  const TestHost host;
  EXPECT_EQ(host.http("POST", "/api/v1/marks", R"({"text":"the disc stands still","kind":"fault"})")
                .status,
            201);
  EXPECT_EQ(told(host), "the disc stands still\n");
  EXPECT_EQ(host.http("POST", "/api/v1/marks", R"({"text":"x","kind":"swap"})").status, 400);
}

} // namespace
} // namespace lab::host
