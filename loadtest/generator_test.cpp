#include "loadtest/generator.hpp"

#include "loadtest/stub_host.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <stdexcept>

#include <fmt/format.h>

namespace lab::load {
namespace {

using namespace std::chrono_literals;

Profile short_open(int rate) {
  Profile profile = profile_named("hold");
  profile.rate = rate;
  profile.warm_up = 200ms;
  profile.measure = 1000ms;
  return profile;
}

Profile short_closed(int users) {
  Profile profile = profile_named("original");
  profile.users = users;
  profile.warm_up = 200ms;
  profile.measure = 500ms;
  return profile;
}

Target at(const StubHost &host) {
  Target target;
  target.ports = {host.port()};
  return target;
}

StubAnswer timed(const StubRequest &) {
  StubAnswer answer;
  answer.headers = "Server-Timing: wait;dur=1.5, hold;dur=50.25\r\n";
  return answer;
}

TEST(Generator, SendsTheWholeScheduleAndCountsTheAnswers) {
  StubHost host(timed);
  const Profile profile = short_open(300);
  const RunResult result = run_load(profile, at(host), 7);
  const nlohmann::json &summary = result.summary;

  const Schedule schedule = make_schedule(profile, 7);
  std::size_t judged = 0;
  for (const Arrival &arrival : schedule.arrivals)
    judged += arrival.due >= profile.warm_up ? 1 : 0;
  EXPECT_EQ(summary["offered"], judged);
  EXPECT_EQ(summary["sent"], judged);
  EXPECT_EQ(summary["ok"], judged);
  EXPECT_TRUE(summary["failed"].empty());
  EXPECT_EQ(summary["schedule"], fingerprint_text(schedule.fingerprint));
  EXPECT_EQ(summary["grade"], "green");
  EXPECT_EQ(static_cast<std::size_t>(host.requests()), schedule.arrivals.size());
  EXPECT_EQ(result.recorded.requests.size(), schedule.arrivals.size());
  EXPECT_EQ(summary["pool"]["wait_ms"]["mean"], 1.5);
  EXPECT_EQ(summary["pool"]["hold_ms"]["max"], 50.3);
  // Keep-alive: far fewer connections than requests.
  EXPECT_LT(host.connections(), 60);
}

TEST(Generator, FailuresAreToldApartByTheirCodes) {
  int number = 0;
  StubHost host([&](const StubRequest &request) {
    if (request.path.substr(0, 5) == "/api/")
      return problem(404, "not_found");
    switch (number++ % 4) {
    case 0:
      return problem(503, "pool_timeout");
    case 1:
      return problem(500, "query_failed");
    case 2: {
      StubAnswer plain;
      plain.status = 502;
      plain.body = "no JSON";
      return plain;
    }
    default: {
      StubAnswer none;
      none.status = 204;
      return none;
    }
    }
  });
  Profile profile = short_open(400);
  profile.warm_up = 0ms;
  const nlohmann::json summary = run_load(profile, at(host), 1).summary;
  const std::uint64_t all = summary["sent"];
  EXPECT_EQ(summary["failed"]["pool_timeout"], (all + 3) / 4);
  EXPECT_EQ(summary["failed"]["query_failed"], (all + 2) / 4);
  EXPECT_EQ(summary["failed"]["http_502"], (all + 1) / 4);
  EXPECT_EQ(summary["ok"], all / 4);
  EXPECT_EQ(summary["grade"], "red");
  EXPECT_EQ(summary["verdict"], "fail");
  EXPECT_EQ(summary["pool"]["wait_ms"]["max"], 201); // failures wait, too
}

TEST(Generator, ClosedUsersNeverHaveMoreThanOneRequestEach) {
  StubHost host([](const StubRequest &) {
    StubAnswer answer;
    answer.delay = 3ms;
    return answer;
  });
  const RunResult result = run_load(short_closed(25), at(host), 3);
  EXPECT_EQ(host.most_in_flight(), 25);
  EXPECT_EQ(result.recorded.outstanding_peak, 25);
  EXPECT_EQ(host.connections(), 25 + 1); // and the one that samples
  EXPECT_GT(result.summary["ok"].get<int>(), 25 * 20);
  EXPECT_EQ(result.summary["users"], 25);
}

TEST(Generator, AUserPausesAfterAFailure) {
  StubHost host([](const StubRequest &) { return problem(503, "pool_timeout"); });
  Profile profile = short_closed(10);
  profile.warm_up = 0ms;
  profile.measure = 1000ms;
  profile.pause_after_failure = 300ms;
  run_load(profile, at(host), 3);
  EXPECT_GE(host.requests(), 10 * 2);
  EXPECT_LE(host.requests(), 10 * 4);
}

TEST(Generator, ClientsThatAreToldNotNowComeAgainAsOftenAsTheirProfileSays) {
  for (const bool open : {true, false}) {
    StubHost host([](const StubRequest &) { return problem(503, "pool_timeout"); });
    Profile profile = open ? short_open(50) : short_closed(5);
    profile.warm_up = 0ms;
    profile.measure = 1000ms;
    profile.pause_after_failure = 10s; // a user gives up then
    profile.retry = {2, 20ms, 100};
    const RunResult result = run_load(profile, at(host), 3);
    const int first_tries = open ? host.requests() / 3 : 5;
    EXPECT_NEAR(host.requests(), 3 * first_tries, open ? 6 : 0) << "each once, and twice more";
    EXPECT_GT(result.summary["retries"].get<int>(), 0);
    EXPECT_EQ(result.summary["sent"], host.requests()) << "each is a request of its own";
  }
}

TEST(Generator, OnlyRetriesThatAreDueInTheMeasuredTimeAreCounted) {
  StubHost host([](const StubRequest &) { return problem(503, "pool_timeout"); });
  Profile profile = short_open(100);
  profile.warm_up = 500ms;
  profile.measure = 500ms;
  profile.retry = {1, 20ms, 100};
  const nlohmann::json summary = run_load(profile, at(host), 3).summary;
  const auto arrivals = make_schedule(profile, 3).arrivals;
  const auto first_tries =
      std::count_if(arrivals.begin(), arrivals.end(), [&](const Arrival &arrival) {
        return arrival.due >= profile.warm_up && arrival.due < profile.total();
      });
  EXPECT_GT(summary["retries"], 20);
  EXPECT_EQ(summary["offered"], first_tries + summary["retries"].get<int>());
}

TEST(Generator, ARetryThatBacksOffLeavesMoreTimeEachTime) {
  std::vector<std::chrono::steady_clock::time_point> came;
  StubHost host([&](const StubRequest &request) {
    if (request.path.substr(0, 5) != "/api/")
      came.push_back(std::chrono::steady_clock::now());
    return problem(503, "pool_rejected");
  });
  Profile profile = short_closed(1);
  profile.warm_up = 0ms;
  profile.measure = 1500ms;
  profile.pause_after_failure = 10s;
  profile.retry = {3, 50ms, 300};
  run_load(profile, at(host), 3);
  ASSERT_EQ(came.size(), 4U);
  EXPECT_GE(came[1] - came[0], 50ms);
  EXPECT_GE(came[2] - came[1], 150ms);
  EXPECT_GE(came[3] - came[2], 450ms);
}

TEST(Generator, AnErrorThatIsNoNotNowIsNotTriedAgain) {
  StubHost host([](const StubRequest &) { return problem(500, "query_failed"); });
  Profile profile = short_open(50);
  profile.retry = {5, 1ms, 100};
  EXPECT_EQ(run_load(profile, at(host), 3).summary["retries"], 0);
}

TEST(Generator, AClosedConnectionIsReplaced) {
  StubHost host([](const StubRequest &request) {
    StubAnswer answer;
    answer.close = request.path.substr(0, 5) != "/api/";
    return answer;
  });
  const nlohmann::json summary = run_load(short_open(200), at(host), 5).summary;
  EXPECT_TRUE(summary["failed"].empty());
  EXPECT_EQ(host.connections(), host.requests() + 1);
}

// Each request needs a new connection, and a stalled host takes none: what was
// due in the stall could not even be sent. From due it waited; from its sending
// it did not.
TEST(Generator, AStallShowsInTheLatencyFromDueAndNotFromSending) {
  int number = 0;
  StubHost host(
      [&](const StubRequest &request) {
        StubAnswer answer;
        if (request.path.substr(0, 5) == "/api/")
          return answer;
        answer.close = true;
        if (number++ == 20)
          std::this_thread::sleep_for(1s);
        return answer;
      },
      1);
  Profile profile = short_open(100);
  profile.warm_up = 0ms;
  profile.measure = 1500ms;
  const nlohmann::json summary = run_load(profile, at(host), 2).summary;
  // Two in three were due in the stall; the kernel tries their connects again
  // after a second.
  EXPECT_GT(summary["latency_ms"]["p50"].get<double>(), 500);
  EXPECT_LT(summary["latency_sent_ms"]["p50"].get<double>(), 100);
}

// The same at the size at which people meet it: 2 of 30 seconds are 7 % of all requests.
TEST(Generator, TwoSecondsOfThirtyShowInTheP99FromDueAndHideFromSending) {
  if (std::getenv("LAB_TEST_FULL") == nullptr)
    GTEST_SKIP() << "it takes half a minute: set LAB_TEST_FULL=1";
  int number = 0;
  StubHost host(
      [&](const StubRequest &request) {
        StubAnswer answer;
        answer.close = request.path.substr(0, 5) != "/api/";
        if (answer.close && number++ == 1000)
          std::this_thread::sleep_for(2s);
        return answer;
      },
      8); // so many are sent in the stall, a third of a hundredth of all
  Profile profile = short_open(100);
  profile.warm_up = 0ms;
  profile.measure = 30s;
  const nlohmann::json summary = run_load(profile, at(host), 2).summary;
  const double from_due = summary["latency_ms"]["p99"],
               from_sent = summary["latency_sent_ms"]["p99"];
  fmt::print("2 s of 30 stalled: p99 from due {} ms, from sending {} ms\n", from_due, from_sent);
  EXPECT_GT(from_due, 1000);
  EXPECT_LT(from_sent, 50);
}

// A closed loop is blind to what it did not send: why both models exist.
TEST(Generator, AStallHidesFromAClosedLoop) {
  int number = 0;
  StubHost host([&](const StubRequest &request) {
    if (request.path.substr(0, 5) != "/api/" && number++ == 100)
      std::this_thread::sleep_for(1s);
    return StubAnswer{};
  });
  Profile open = short_open(400);
  open.warm_up = 0ms;
  open.measure = 1500ms;
  EXPECT_GT(run_load(open, at(host), 2).summary["latency_ms"]["p90"].get<double>(), 300);

  number = 0;
  Profile closed = short_closed(1);
  closed.warm_up = 0ms;
  closed.measure = 1500ms;
  closed.think = 1ms;
  const nlohmann::json liar = run_load(closed, at(host), 2).summary;
  EXPECT_LT(liar["latency_ms"]["p90"].get<double>(), 100);
  EXPECT_GT(liar["latency_ms"]["max"].get<double>(), 900);
}

TEST(Generator, NobodyThereIsConnectFailed) {
  unsigned short port = 0;
  {
    StubHost gone(timed);
    port = gone.port();
  }
  Target target;
  target.ports = {port};
  const nlohmann::json open = run_load(short_open(100), target, 1).summary;
  EXPECT_EQ(open["failed"]["connect_failed"], open["sent"]);
  EXPECT_EQ(open["verdict"], "invalid");

  // A closed loop does not hammer what is not there.
  const RunResult closed = run_load(short_closed(10), target, 1);
  EXPECT_LE(closed.recorded.requests.size(), 10U * 9);
}

// Were they failures, strategies that let requests wait for long would be charged for the end of
// the load.
TEST(Generator, WhatIsStillOpenAtTheEndHasNeitherSucceededNorFailed) {
  StubHost host([](const StubRequest &) {
    StubAnswer answer;
    answer.never = true;
    return answer;
  });
  Profile profile = short_open(50);
  profile.measure = 300ms;
  const auto begun = std::chrono::steady_clock::now();
  const nlohmann::json summary = run_load(profile, at(host), 1).summary;
  EXPECT_GT(summary["sent"], 0);
  EXPECT_EQ(summary["cut_off"], summary["sent"]);
  EXPECT_EQ(summary["ok"], 0);
  EXPECT_EQ(summary["failed"], nlohmann::json::object());
  EXPECT_EQ(summary["failed_percent"], 0);
  EXPECT_EQ(summary["grade"], "red");
  EXPECT_EQ(summary["guards"]["codes"], nlohmann::json({"no_answer"}));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 4s);
}

TEST(Generator, ARequestsOwnDeadlineEndsItLongBeforeTheRun) {
  StubHost host([](const StubRequest &) {
    StubAnswer answer;
    answer.never = true;
    return answer;
  });
  Profile profile = short_closed(1);
  profile.warm_up = 0ms;
  profile.measure = 5500ms;
  profile.deadline = 10ms; // + 5 s: the client's own limit
  const RunResult result = run_load(profile, at(host), 1);
  ASSERT_EQ(result.recorded.requests.size(), 2U);
  const RequestLine &first = result.recorded.requests.front();
  EXPECT_NEAR(static_cast<double>(first.done - first.sent) / 1e6, 5010, 100);
  EXPECT_EQ(result.summary["failed"], nlohmann::json({{"client_timeout", 1}}));
}

TEST(Generator, SendsTheDeadlineAndTheRow) {
  std::atomic<int> with_deadline{0};
  std::atomic<int> with_row{0};
  StubHost host([&](const StubRequest &request) {
    if (request.head.find("Request-Timeout-Ms: 600\r\n") != std::string_view::npos)
      ++with_deadline;
    if (request.body.find("\"row\":") != std::string_view::npos)
      ++with_row;
    return StubAnswer{};
  });
  Profile profile = profile_named("contended");
  profile.warm_up = 0ms;
  profile.measure = 400ms; // users begin within 250 ms
  profile.users = 2;
  profile.deadline = 600ms;
  run_load(profile, at(host), 1);
  EXPECT_GT(host.requests(), 0);
  EXPECT_EQ(with_deadline, host.requests());
  EXPECT_EQ(with_row, host.requests());
}

TEST(Generator, AlternatesOverSeveralHosts) {
  StubHost one(timed);
  StubHost two(timed);
  Target target;
  target.ports = {one.port(), two.port()};
  run_load(short_open(200), target, 1);
  EXPECT_NEAR(one.requests(), two.requests(), 2);
}

// The routes of hold alternate as well: neither host may get all of one.
TEST(Generator, GivesEachHostTheSameMix) {
  std::atomic<int> claims_at_one = 0, claims_at_two = 0;
  const auto counting = [](std::atomic<int> &claims) {
    return [&claims](const StubRequest &request) {
      if (request.body.find("claim") != std::string_view::npos)
        ++claims;
      return StubAnswer{};
    };
  };
  StubHost one(counting(claims_at_one));
  StubHost two(counting(claims_at_two));
  Target target;
  target.ports = {one.port(), two.port()};
  run_load(short_open(200), target, 1);
  EXPECT_GT(claims_at_one.load(), 25);
  EXPECT_NEAR(claims_at_one.load(), claims_at_two.load(), 1);
}

TEST(Generator, OnlyThisMachineIsLoaded) {
  Target target;
  for (const char *host : {"10.0.0.1", "localhost", "example.org", "0.0.0.0", ""}) {
    target.host = host;
    EXPECT_THROW(run_load(short_open(10), target, 1), std::invalid_argument) << host;
  }
  target.host = "127.0.0.1";
  target.ports = {};
  EXPECT_THROW(run_load(short_open(10), target, 1), std::invalid_argument);
}

TEST(Generator, AStopKeepsWhatIsFinished) {
  StubHost host(timed);
  Profile profile = short_open(200);
  profile.measure = 60s;
  std::stop_source stop;
  const auto begun = std::chrono::steady_clock::now();
  const RunResult result = run_load(
      profile, at(host), 1,
      [&](const Progress &progress) {
        if (progress.ok > 100)
          stop.request_stop();
      },
      stop.get_token());
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);
  EXPECT_TRUE(result.summary["stopped"].get<bool>());
  EXPECT_GT(result.summary["ok"].get<int>(), 50);
  EXPECT_EQ(result.summary["ok"], result.summary["offered"]);
  EXPECT_LT(result.summary["seconds"].get<double>(), 10);
}

TEST(Generator, TooManyOutstandingMakesTheRunInvalid) {
  StubHost host([](const StubRequest &request) {
    StubAnswer answer;
    answer.never = request.path.substr(0, 5) != "/api/";
    return answer;
  });
  Profile profile = short_open(2000);
  profile.warm_up = 0ms;
  profile.measure = 500ms;
  const RunResult result = run_load(profile, at(host), 1);
  EXPECT_EQ(result.recorded.outstanding_peak, max_outstanding);
  EXPECT_EQ(result.summary["verdict"], "invalid");
  EXPECT_NE(result.summary["why"].get<std::string>().find("outstanding"), std::string::npos);
}

// The host's own view, as the sampler sees it: a pool that is swapped in mid-run.
TEST(Generator, SamplesThePoolAndSeesASwap) {
  std::atomic<int> samples{0};
  StubHost host([&](const StubRequest &request) {
    StubAnswer answer = timed(request);
    if (request.path == "/api/v1/strategy") {
      answer.body = R"({"name":"first","params":{"max":3}})";
    } else if (request.path == "/api/v1/pool") {
      const int n = ++samples;
      answer.body = fmt::format(
          R"({{"strategy":"{}","strategy_state":"ok","generation":1,"now_ms":{},"open":3,"in_use":2,
             "waiting":0,"totals":{{"open_seconds":{},"in_use_seconds":{}}},
             "plan":{{"max_in_use":3}},"counts":{{"asked":{}}},
             "server":{{"max_connections":100,"reserved":3,"total":5}}}})",
          n < 10 ? "first" : "second", n * 100, n * 0.3, n * 0.2, n * 10);
    }
    return answer;
  });
  const RunResult result = run_load(short_open(100), at(host), 1);
  const nlohmann::json &summary = result.summary;
  EXPECT_EQ(summary["strategy"], "first");
  EXPECT_EQ(summary["params"]["max"], 3);
  EXPECT_EQ(summary["pool"]["limit"], 3);
  EXPECT_EQ(summary["pool"]["max_in_use"], 2);
  EXPECT_EQ(summary["pool"]["in_use_mean"], 2);
  EXPECT_NEAR(summary["pool"]["connection_seconds"].get<double>(), 3, 0.31);
  EXPECT_EQ(summary["server"]["available"], 97);
  EXPECT_EQ(summary["verdict"], "invalid");
  EXPECT_NE(summary["why"].get<std::string>().find("changed in mid-run, to second"),
            std::string::npos);
  int swaps = 0;
  for (const nlohmann::json &event : result.timeline)
    swaps += event["kind"] == "strategy" ? 1 : 0;
  EXPECT_EQ(swaps, 2); // the first one seen, and the swap
}

// No assertion about speed: it says what the generator can do at most here.
TEST(Generator, SelfBenchmark) {
  StubHost host([](const StubRequest &) { return StubAnswer{}; });
  Profile profile = short_closed(50);
  profile.warm_up = 500ms;
  profile.measure = 3000ms;
  const nlohmann::json summary = run_load(profile, at(host), 1).summary;
  fmt::print("generator alone: {} requests a second, its thread {} % of a core\n",
             summary["rate"]["ok"].dump(), summary["guards"]["loop_percent"].dump());
  EXPECT_TRUE(summary["failed"].empty());

  Profile steady = short_open(2000);
  steady.warm_up = 500ms;
  steady.measure = 5000ms;
  const nlohmann::json lag = run_load(steady, at(host), 1).summary["guards"]["lag_ms"];
  fmt::print("at 2000 a second it sends {} ms late in the middle, {} ms at p99\n",
             lag["p50"].dump(), lag["p99"].dump());
}

} // namespace
} // namespace lab::load
