// A database that goes away and comes back: the host says so, stays up, and
// resumes by itself.
#include "db/cluster_processes.hpp"
#include "db/connection.hpp"
#include "db/faults.hpp"
#include "db/jobs.hpp"
#include "host/live_pool.hpp"
#include "host/test_host.hpp"
#include "host/test_waiting.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <future>
#include <thread>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace lab::host {
namespace {

using namespace std::chrono_literals;

const std::string job = R"({"type":"send_email"})";

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
  const auto metrics_tell_of_it = [&] {
    return host.http("GET", "/metrics").body.find("pool_lab_server_connections{") !=
           std::string::npos;
  };
  EXPECT_TRUE(comes_true([&] { return !metrics_tell_of_it(); })) << "it has no connections now";

  postgres.start();
  EXPECT_TRUE(comes_true(metrics_tell_of_it));
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

// Clients that never give up, on a pool of their own, and what can be seen of it.
class Besieged {
public:
  explicit Besieged(const pool::Plan &plan)
      : pool_(clock_, db::TestPostgres::shared().postgres().conninfo_jobs(), 1) {
    pool_.follow(plan, true, false);
    for (int i = 0; i < 20; ++i)
      threads_.emplace_back([this](std::stop_token stop) { ask(stop); });
    threads_.emplace_back([this](std::stop_token stop) { look(stop); });
  }

  std::uint64_t served() const { return served_; }
  std::uint32_t most_connecting() const { return most_connecting_; }
  void stop() { threads_.clear(); }

  // The most connects that failed within any second. [after `stop`]
  std::size_t most_failed_in_a_second() const {
    std::size_t most = 0;
    for (auto first = failed_at_.begin(); first != failed_at_.end(); ++first) {
      const auto end =
          std::find_if(first, failed_at_.end(), [&](pool::Time at) { return at >= *first + 1s; });
      most = std::max(most, static_cast<std::size_t>(end - first));
    }
    return most;
  }
  std::size_t failed() const { return failed_at_.size(); } // [after `stop`]

private:
  void ask(const std::stop_token &stop) {
    while (!stop.stop_requested()) {
      auto got = pool_.acquire(clock_.now() + 2s, "besieger");
      if (auto *lease = std::get_if<Lease>(&got)) {
        try {
          (void)db::job_stats(lease->connection());
          (void)lease->give_back(true);
          ++served_;
        } catch (const db::StatementError &) {
          (void)lease->give_back(false);
        }
      }
      std::this_thread::sleep_for(5ms); // a client's own pace
    }
  }
  void look(const std::stop_token &stop) {
    std::uint64_t failed = 0;
    while (!stop.stop_requested()) {
      const LivePool::Snapshot seen = pool_.snapshot();
      most_connecting_ = std::max<std::uint32_t>(most_connecting_, seen.levels.connecting);
      for (; failed < seen.counts.connects_failed; ++failed)
        failed_at_.push_back(seen.now);
      std::this_thread::sleep_for(1ms); // between two looks
    }
  }

  const Clock clock_;
  LivePool pool_;
  std::atomic<std::uint64_t> served_{0};
  std::atomic<std::uint32_t> most_connecting_{0};
  std::vector<pool::Time> failed_at_; // [the looker]
  std::vector<std::jthread> threads_;
};

bool accepts(const std::string &conninfo) {
  try {
    (void)db::connect(conninfo, 1s);
    return true;
  } catch (const db::ConnectRefused &) {
    return false;
  }
}

TEST(Outage, ConnectsAreFewWhileItLastsAndServiceIsBackWithinASecond) {
  db::PrivatePostgres &postgres = db::TestPostgres::shared().postgres();
  pool::Plan plan;
  plan.max_in_use = 20;
  plan.max_connecting = 4;
  plan.wait_timeout = 1s;
  Besieged besieged(plan);
  ASSERT_TRUE(comes_true([&] { return besieged.served() > 200; }));

  db::kill_server(postgres);
  const auto killed = std::chrono::steady_clock::now();
  std::uint64_t served = besieged.served();
  ASSERT_TRUE(comes_true([&] { return std::chrono::steady_clock::now() > killed + 4s; }));
  EXPECT_LE(besieged.served(), served + 20) << "what was on its way when it was killed";
  served = besieged.served();

  auto started = std::async(std::launch::async, [&] { postgres.start(); });
  while (!accepts(postgres.conninfo_jobs("pool_lab test")))
    std::this_thread::sleep_for(5ms); // between two looks at a condition
  const auto accepted = std::chrono::steady_clock::now();
  ASSERT_TRUE(comes_true([&] { return besieged.served() > served; }, 5s));
  const auto took = std::chrono::steady_clock::now() - accepted;
  EXPECT_LT(took, 1s);
  started.get();
  besieged.stop();

  EXPECT_LE(besieged.most_connecting(), plan.max_connecting);
  EXPECT_GE(besieged.failed(), 4U) << "it was tried all the while";
  EXPECT_LE(besieged.most_failed_in_a_second(), 5U);
  RecordProperty("back_after_ms", static_cast<int>(took / 1ms));
  RecordProperty("most_failed_in_a_second", static_cast<int>(besieged.most_failed_in_a_second()));
}

} // namespace
} // namespace lab::host
