// A host that is loaded, swapped and hurt for long stays as it was: memory, descriptors,
// threads, connections. By itself 20 s, which shows that the test works; with
// LAB_TEST_FULL 3 minutes, with LAB_ENDURANCE_MINUTES as many as it says.
#include "db/connection.hpp"
#include "db/faults.hpp"
#include "db/tables.hpp"
#include "host/test_client.hpp"
#include "host/test_host.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <pqxx/result>

namespace lab::host {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Fewer than the threads that the host's server always keeps, so that their number says
// something: those beyond it end only after a minute.
constexpr int clients = 10;
constexpr auto between_requests = 5ms; // a pace
constexpr auto rest_limit = 60s;

seconds length() {
  if (const char *minutes = std::getenv("LAB_ENDURANCE_MINUTES"))
    return std::chrono::minutes(std::max(1, std::atoi(minutes)));
  return std::getenv("LAB_TEST_FULL") ? 180s : 20s;
}

// Memory proves something only where a quarter is long enough to have seen everything.
bool long_enough() {
  return length() >= 120s;
}

// ---- what the host takes -----------------------------------------------------------

long of_status(pid_t pid, const std::string &name) {
  std::ifstream in(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(name + ":"))
      return std::stol(line.substr(name.size() + 1));
  return 0;
}

struct Footprint {
  long rss_kb = 0, descriptors = 0, threads = 0, connections = 0;
};

Footprint footprint(const TestHost &host) {
  const fs::path descriptors = fmt::format("/proc/{}/fd", host.pid());
  return {of_status(host.pid(), "VmRSS"),
          std::distance(fs::directory_iterator(descriptors), fs::directory_iterator()),
          of_status(host.pid(), "Threads"), 0};
}

// Nobody asks, one plan, one connection.
Footprint at_rest(const TestHost &host, db::PrivatePostgres &postgres) {
  EXPECT_EQ(host.http("PUT", "/api/v1/strategy",
                      R"({"name":"bounded_timeout","params":{"max":1},"fresh":true})")
                .status,
            200);
  const auto until = Clock::now() + rest_limit;
  // The last trouble may be just over.
  while (host.http("GET", "/jobs/stats").status != 200 && Clock::now() < until)
    std::this_thread::sleep_for(50ms);
  const auto admin = db::connect(postgres.conninfo_admin("pool_lab test"), 5s);
  Footprint now, before;
  while (Clock::now() < until) {
    before = now;
    now = footprint(host);
    now.connections = db::run_now(*admin, "SELECT count(*) FROM pg_stat_activity WHERE "
                                          "application_name IN ('pool_lab host', "
                                          "'pool_lab monitor')")[0][0]
                          .as<long>();
    const auto pool = host.http("GET", "/api/v1/pool").json();
    if (pool["open"] == 1 && pool["in_use"] == 0 && pool["connecting"] == 0 &&
        now.threads == before.threads && now.descriptors == before.descriptors &&
        now.connections == 2)
      break;
    std::this_thread::sleep_for(500ms); // between two looks
  }
  return now;
}

void print(const std::string &when, const Footprint &f) {
  fmt::print("{:>8}: {:6.1f} MB, {} descriptors, {} threads{}\n", when,
             static_cast<double>(f.rss_kb) / 1024, f.descriptors, f.threads,
             f.connections > 0 ? fmt::format(", {} connections", f.connections) : "");
  std::fflush(stdout); // a long test is watched
}

// ---- what is done to it ------------------------------------------------------------

// Clients of every route, and some that hold.
class Mix {
public:
  explicit Mix(std::uint16_t port) {
    for (unsigned number = 0; number < clients; ++number)
      threads_.emplace_back([this, port, number](const std::stop_token &stop) {
        TestClient client(port);
        std::mt19937 random(number);
        while (!stop.stop_requested()) {
          const int status = ask(client, static_cast<unsigned>(random()));
          ++(status >= 200 && status < 400 ? well : badly);
          std::this_thread::sleep_for(between_requests);
        }
      });
  }
  std::atomic<long> well{0}, badly{0};

private:
  int ask(TestClient &client, unsigned what) {
    const std::string patience = "Request-Timeout-Ms: 1000\r\n";
    switch (what % 8) {
    case 0:
      return client.http("GET", "/jobs/next", "", patience).status;
    case 1:
      return client.http("GET", "/jobs/stats", "", patience).status;
    case 2:
      return client
          .http("PATCH", fmt::format("/jobs/{}", what % 10000 + 1), R"({"status":"done"})",
                patience)
          .status;
    case 3:
      return client.http("POST", "/lab/hold", R"({"kind":"submit","hold_ms":30})", patience).status;
    case 4:
      return client
          .http("POST", "/lab/contend", fmt::format(R"({{"row":{}}})", what % 5 + 1), patience)
          .status;
    case 5:
      return client.http("GET", "/metrics").status;
    default:
      return client
          .http("POST", "/jobs", R"({"type":"image_resize","payload":{"size":3}})", patience)
          .status;
    }
  }

  std::vector<std::jthread> threads_;
};

// One thing after the other, each about once in ten seconds.
class Trouble {
public:
  Trouble(const TestHost &host, db::PrivatePostgres &postgres) : host_(host), postgres_(postgres) {}

  void next() {
    const char *names[] = {"adaptive", "fixed_tiny", "fixed_huge", "bounded_timeout"};
    const Reply swapped =
        host_.http("PUT", "/api/v1/strategy",
                   fmt::format(R"({{"name":"{}","fresh":true}})", names[step_ % std::size(names)]));
    EXPECT_EQ(swapped.status, 200) << swapped.body;
    swaps += swapped.status == 200;
    if (step_ % 2 == 1)
      trouble(step_ / 2 % 3);
    ++step_;
  }
  int swaps = 0, terminated = 0, freezes = 0, kills = 0;

private:
  void trouble(int which) {
    if (which == 0) {
      const auto admin = db::connect(postgres_.conninfo_admin("pool_lab test"), 5s);
      terminated += static_cast<int>(
          db::run_now(*admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                              "WHERE usename = 'lab_jobs' LIMIT 3")
              .size());
    } else if (which == 1) {
      const db::Freeze ice(postgres_);
      std::this_thread::sleep_for(500ms); // the freeze
      ++freezes;
    } else {
      db::kill_server(postgres_);
      postgres_.start();
      ++kills;
    }
  }

  const TestHost &host_;
  db::PrivatePostgres &postgres_;
  int step_ = 0;
};

// In its first three minutes a host fills its ring of events, mostly with what the pool's
// route answers, four times a second. That is no growth.
double ring_kb(const TestHost &host, double seconds) {
  constexpr double events = 720, a_second = 4, around_each = 100;
  const auto size = static_cast<double>(host.http("GET", "/api/v1/pool").body.size());
  return std::min(events, a_second * seconds) * (size + around_each) / 1024;
}

double mean_rss(const std::vector<long> &rss, std::size_t quarter) {
  const std::size_t from = rss.size() * (quarter - 1) / 4, to = rss.size() * quarter / 4;
  double sum = 0;
  for (std::size_t i = from; i < to; ++i)
    sum += static_cast<double>(rss[i]);
  return sum / static_cast<double>(std::max<std::size_t>(1, to - from));
}

TEST(Endurance, TheHostStaysAsItWas) {
  db::PrivatePostgres &postgres = db::TestPostgres::shared().postgres();
  TestHost host;
  const Footprint before = at_rest(host, postgres);
  print("before", before);

  std::vector<long> rss; // one a second
  {
    const Mix mix(host.port());
    Trouble trouble(host, postgres);
    const auto begun = Clock::now();
    const auto end = begun + length();
    auto next_line = begun, next_trouble = begun + 1s, next_look = begun;
    while (Clock::now() < end) {
      if (Clock::now() >= next_trouble) {
        trouble.next();
        next_trouble = Clock::now() + 1500ms;
      }
      if (Clock::now() >= next_look) {
        rss.push_back(of_status(host.pid(), "VmRSS"));
        next_look += 1s;
      }
      if (Clock::now() >= next_line) {
        print(fmt::format("{} s", (Clock::now() - begun) / 1s), footprint(host));
        next_line += 10s;
      }
      std::this_thread::sleep_for(20ms);
    }
    fmt::print("{} requests went well, {} badly; {} swaps, {} terminated, {} freezes, {} kills\n",
               mix.well.load(), mix.badly.load(), trouble.swaps, trouble.terminated,
               trouble.freezes, trouble.kills);
    EXPECT_GT(mix.well, 1000);
    EXPECT_GT(trouble.kills, 0);
    EXPECT_GT(trouble.freezes, 0);
    EXPECT_GT(trouble.terminated, 0);
  }
  const Footprint after = at_rest(host, postgres);
  print("after", after);
  const double all = static_cast<double>(length() / 1s);
  const double second = mean_rss(rss, 2), last = mean_rss(rss, 4),
               ring = ring_kb(host, all * 7 / 8) - ring_kb(host, all * 3 / 8);
  const double grown = (last - ring - second) / second;
  fmt::print("memory: {:.1f} MB in the second quarter, {:.1f} MB in the last, of it {:.1f} MB more "
             "events: {:+.1f} %\n",
             second / 1024, last / 1024, ring / 1024, 100 * grown);
  if (long_enough()) {
    EXPECT_LE(grown, 0.05);
  }
  EXPECT_EQ(after.descriptors, before.descriptors);
  EXPECT_EQ(after.threads, before.threads);
  EXPECT_EQ(after.connections, before.connections);
  EXPECT_EQ(host.stop().status, 0);
}

} // namespace
} // namespace lab::host
