// A client that goes away while its request waits for a connection: nobody is
// served in its place, and nothing is written for it.
#include "host/test_host.hpp"
#include "host/test_silent_client.hpp"
#include "host/test_waiting.hpp"

#include <chrono>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <pqxx/connection_base>
#include <pqxx/nontransaction>
#include <pqxx/result>

namespace lab::host {
namespace {

using namespace std::chrono_literals;

nlohmann::json pool_of(const TestHost &host) {
  return host.http("GET", "/api/v1/pool").json();
}

int jobs_marked(const std::string &mark) {
  const auto admin = db::TestPostgres::shared().connect_admin();
  pqxx::nontransaction count(admin->raw());
  return count.exec("SELECT count(*) FROM jobs WHERE payload->>'mark' = '" + mark + "'")[0][0]
      .as<int>();
}

const std::string with_mark = R"({"type":"send_email","payload":{"mark":"gone"}})";
const std::string last_one = R"({"type":"send_email","payload":{"mark":"there"}})";

TEST(GoneClients, AreCancelledAndTheNextOneIsServedAsSoonAsTheHolderGivesBack) {
  const TestHost host({}, "bounded_timeout", {"--set", "max=1", "--set", "wait_ms=60000"});
  auto holder = std::async(std::launch::async, [&] {
    return host.http("POST", "/lab/hold", R"({"kind":"submit","hold_ms":4000})").status;
  });
  ASSERT_TRUE(comes_true([&] { return pool_of(host)["in_use"] == 1; }));
  std::vector<SilentClient> clients;
  for (int i = 0; i < 20; ++i)
    clients.emplace_back(host, with_mark);
  ASSERT_TRUE(comes_true([&] { return pool_of(host)["waiting"] == 20; }));

  clients.clear();
  EXPECT_TRUE(comes_true([&] { return pool_of(host)["counts"]["cancelled"] == 20; }, 1s));
  EXPECT_EQ(pool_of(host)["waiting"], 0);
  EXPECT_EQ(pool_of(host)["in_use"], 1) << "the holder holds all the while";

  const Reply next = host.http("POST", "/jobs", last_one);
  EXPECT_EQ(next.status, 201) << next.body;
  EXPECT_EQ(holder.get(), 200);
  EXPECT_EQ(jobs_marked("there"), 1);
  EXPECT_EQ(jobs_marked("gone"), 0);

  const auto end = pool_of(host);
  EXPECT_EQ(end["counts"]["connects"], 1) << "none was opened for those that left";
  for (const auto &[code, count] : end["requests"].items())
    EXPECT_EQ(count, code == "ok" ? 2 : 0) << code << ": nobody was there to fail";
  const std::string metrics = host.http("GET", "/metrics").body;
  EXPECT_NE(metrics.find(R"(pool_lab_pool_events_total{event="cancelled"} 20)"), std::string::npos);
  EXPECT_NE(metrics.find(R"(status_code="499"} 20)"), std::string::npos);
}

// As nginx has it: who sends no more is taken to be gone.
TEST(GoneClients, OneThatIsHalfClosedCountsAsGoneAndHearsNothing) {
  const TestHost host({}, "bounded_timeout", {"--set", "max=1", "--set", "wait_ms=60000"});
  auto holder = std::async(std::launch::async, [&] {
    return host.http("POST", "/lab/hold", R"({"kind":"submit","hold_ms":1500})").status;
  });
  ASSERT_TRUE(comes_true([&] { return pool_of(host)["in_use"] == 1; }));
  SilentClient client(host, R"({"type":"send_email","payload":{"mark":"half"}})");
  ASSERT_TRUE(comes_true([&] { return pool_of(host)["waiting"] == 1; }));
  EXPECT_EQ(client.half_close_and_read(), "");
  EXPECT_EQ(holder.get(), 200);
  EXPECT_EQ(jobs_marked("half"), 0);
}

} // namespace
} // namespace lab::host
