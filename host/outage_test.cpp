// A database that goes away and comes back: the host says so, stays up, and
// resumes by itself.
#include "db/cluster_processes.hpp"
#include "host/test_host.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

#include <nlohmann/json.hpp>

namespace lab::host {
namespace {

using namespace std::chrono_literals;

const std::string job = R"({"type":"send_email"})";

bool comes_true(const std::function<bool()> &condition, std::chrono::seconds within = 15s) {
  const auto until = std::chrono::steady_clock::now() + within;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until)
      return false;
    std::this_thread::sleep_for(20ms); // between two looks at a condition
  }
  return true;
}

TEST(Outage, IsNamedAndServiceResumesByItself) {
  db::PrivatePostgres &postgres = db::TestPostgres::shared().postgres();
  const TestHost host;
  ASSERT_EQ(host.http("POST", "/jobs", job).status, 201);

  const pid_t postmaster = postgres.pid().value();
  ::kill(postmaster, SIGKILL);
  ASSERT_TRUE(
      comes_true([&] { return host.http("POST", "/jobs", job).code() == "db_unavailable"; }));
  const Reply refused = host.http("POST", "/jobs", job);
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(refused.headers.find("Retry-After"), std::string::npos);
  EXPECT_EQ(host.http("GET", "/health").status, 200) << "it says how it is all the same";
  EXPECT_TRUE(
      comes_true([&] { return host.http("GET", "/health").json()["status"] == "degraded"; }));

  postgres.start();
  EXPECT_TRUE(comes_true([&] { return host.http("POST", "/jobs", job).status == 201; }));
  EXPECT_TRUE(comes_true([&] { return host.http("GET", "/health").json()["status"] == "ok"; }));
}

TEST(Outage, AHolderPastItsDeadlineIsCutOff) {
  const TestHost host;
  ASSERT_EQ(host.http("POST", "/jobs", job).status, 201);
  const auto frozen = db::processes_in(db::TestPostgres::shared().postgres().data());
  const auto send_all = [&](int signal) {
    for (const pid_t pid : frozen)
      ::kill(pid, signal);
  };
  const auto begun = std::chrono::steady_clock::now();
  send_all(SIGSTOP);
  const Reply reply = host.http("POST", "/jobs", job, "Request-Timeout-Ms: 500\r\n");
  const auto took = std::chrono::steady_clock::now() - begun;
  const Reply health = host.http("GET", "/health");
  send_all(SIGCONT);
  EXPECT_EQ(reply.status, 504);
  EXPECT_EQ(reply.code(), "outcome_unknown") << reply.body;
  EXPECT_GE(took, 500ms);
  EXPECT_LT(took, 1500ms) << "no request outlives its deadline by a second";
  EXPECT_EQ(health.status, 200);
  EXPECT_TRUE(comes_true([&] { return host.http("POST", "/jobs", job).status == 201; }));
}

TEST(Outage, AHostThatIsToldToStopFinishesWhatIsInFlight) {
  TestHost host;
  Reply reply;
  std::thread slow(
      [&] { reply = host.http("POST", "/lab/hold", R"({"kind":"submit","hold_ms":700})"); });
  ASSERT_TRUE(comes_true([&] { return host.http("GET", "/api/v1/pool").json()["in_use"] == 1; }));
  EXPECT_EQ(host.stop().status, 0);
  slow.join();
  EXPECT_EQ(reply.status, 200);
}

} // namespace
} // namespace lab::host
