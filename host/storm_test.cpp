// A storm: PostgreSQL is killed and started again, frozen, and loses backends, while
// clients post jobs. What was promised to each of them is counted, printed and held
// against the table. By itself a minute; with LAB_TEST_FULL several, and stricter.
#include "db/connection.hpp"
#include "db/faults.hpp"
#include "db/tables.hpp"
#include "host/test_client.hpp"
#include "host/test_host.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <pqxx/result>

namespace lab::host {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Moment = Clock::time_point;
using std::chrono::milliseconds;

constexpr int clients = 30;
constexpr auto patience = 2000ms;    // each request's own deadline
constexpr auto between_jobs = 20ms;  // a client's rest: a pace, not a wait for something
constexpr auto between_looks = 10ms; // at the pool
constexpr auto between_knocks = 5ms; // at the server, while it is down

struct Measure {
  int kills, freezes, terminates;
  milliseconds freeze;
  milliseconds excess_limit; // how long after its deadline a request may be answered
  milliseconds back_limit;   // from the server's accepting to the first success
};

Measure measure() {
  return std::getenv("LAB_TEST_FULL") ? Measure{20, 5, 100, 5s, 250ms, 1s}
                                      : Measure{5, 1, 20, 3s, 1s, 2s};
}

double ms(Clock::duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

double share_of(std::vector<double> values, double share) {
  if (values.empty())
    return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
}

// ---- the clients -------------------------------------------------------------------

struct Tried {
  std::string token;
  Moment sent, answered;
  int status; // 0: the host broke the connection
  std::string code;
};

// Each posts job after job, each with a token of its own.
class Clients {
public:
  explicit Clients(std::uint16_t port) : tried_(clients) {
    for (std::size_t number = 0; number < clients; ++number)
      threads_.emplace_back(
          [this, port, number](const std::stop_token &stop) { live(stop, port, number); });
  }

  std::vector<Tried> finish() {
    threads_.clear(); // stops and joins
    std::vector<Tried> all;
    for (auto &of_one : tried_)
      all.insert(all.end(), of_one.begin(), of_one.end());
    return all;
  }

private:
  void live(const std::stop_token &stop, std::uint16_t port, std::size_t number) {
    TestClient client(port);
    const std::string deadline = fmt::format("Request-Timeout-Ms: {}\r\n", patience.count());
    while (!stop.stop_requested()) {
      Tried tried;
      tried.token = fmt::format("{}-{}", number, tried_[number].size());
      const std::string job =
          fmt::format(R"({{"type":"send_email","payload":{{"token":"{}"}}}})", tried.token);
      tried.sent = Clock::now();
      const Reply reply = client.http("POST", "/jobs", job, deadline);
      tried.answered = Clock::now();
      tried.status = reply.status;
      tried.code = reply.code();
      tried_[number].push_back(std::move(tried));
      std::this_thread::sleep_for(between_jobs);
    }
  }

  std::vector<std::vector<Tried>> tried_; // of each thread its own; read after it ended
  std::vector<std::jthread> threads_;
};

// ---- who looks at the pool ---------------------------------------------------------

struct Seen {
  Moment at;
  std::uint64_t failed; // connects, since the host's start
  int connecting, most_connecting;
};

class Onlooker {
public:
  explicit Onlooker(std::uint16_t port)
      : thread_([this, port](const std::stop_token &stop) { look(stop, port); }) {}

  std::vector<Seen> finish() {
    thread_.request_stop();
    thread_.join();
    return seen_;
  }

private:
  void look(const std::stop_token &stop, std::uint16_t port) {
    TestClient client(port);
    while (!stop.stop_requested()) {
      if (const Reply reply = client.http("GET", "/api/v1/pool"); reply.status == 200) {
        const auto pool = reply.json();
        seen_.push_back({Clock::now(), pool["counts"]["connects_failed"], pool["connecting"],
                         pool["plan"]["max_connecting"]});
      }
      std::this_thread::sleep_for(between_looks);
    }
  }

  std::vector<Seen> seen_; // of the thread; read after it ended
  std::jthread thread_;
};

// ---- what is done to the server ----------------------------------------------------

struct Outage {
  std::string kind;
  Moment began;     // before the first signal
  Moment gone;      // after the last: what is sent later can't have been served before
  Moment accepting; // a plain connect went well
};

class Storm {
public:
  Storm(db::PrivatePostgres &postgres, const Measure &measure)
      : postgres_(postgres), measure_(measure) {}

  void rage() {
    std::vector<bool> is_kill(static_cast<std::size_t>(measure_.kills), true);
    is_kill.resize(is_kill.size() + static_cast<std::size_t>(measure_.freezes), false);
    std::shuffle(is_kill.begin(), is_kill.end(), random_);
    const int steps = static_cast<int>(is_kill.size());
    for (int step = 0; step < steps; ++step) {
      is_kill[static_cast<std::size_t>(step)] ? kill() : freeze();
      const int due = measure_.terminates * (step + 1) / steps;
      while (terminated < due) {
        pause(200ms, 900ms);
        terminate_one();
      }
      pause(1s, 2s);
    }
  }

  std::vector<Outage> outages;
  int terminated = 0;

private:
  // How long the weather holds.
  void pause(milliseconds low, milliseconds high) {
    std::this_thread::sleep_for(
        milliseconds(std::uniform_int_distribution<long>(low.count(), high.count())(random_)));
  }

  Moment knock() const {
    for (const Moment until = Clock::now() + 60s;;) {
      try {
        (void)db::connect(postgres_.conninfo_jobs("pool_lab storm"), 1s);
        return Clock::now();
      } catch (const db::ConnectRefused &) {
        if (Clock::now() > until)
          throw;
        std::this_thread::sleep_for(between_knocks);
      }
    }
  }

  void kill() {
    Outage outage{"kill", Clock::now(), {}, {}};
    db::kill_server(postgres_);
    outage.gone = Clock::now();
    auto accepting = std::async(std::launch::async, [this] { return knock(); });
    pause(200ms, 2s);
    postgres_.start();
    outage.accepting = accepting.get();
    outages.push_back(outage);
  }

  void freeze() {
    Outage outage{"freeze", Clock::now(), {}, {}};
    {
      const db::Freeze ice(postgres_);
      outage.gone = Clock::now();
      std::this_thread::sleep_for(measure_.freeze);
    }
    outage.accepting = knock();
    outages.push_back(outage);
  }

  // One that is at work, if any is.
  void terminate_one() {
    const auto admin = db::connect(postgres_.conninfo_admin("pool_lab storm"), 5s);
    const auto rows = db::run_now(
        *admin, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'lab_jobs' "
                "AND application_name = 'pool_lab host' "
                "ORDER BY state <> 'active', random() LIMIT 1");
    terminated += static_cast<int>(rows.size());
  }

  db::PrivatePostgres &postgres_;
  const Measure measure_;
  std::mt19937 random_{7};
};

// ---- afterwards --------------------------------------------------------------------

// How often each token is in the table, once nobody is at work there any more.
std::map<std::string, int> jobs_in(db::PrivatePostgres &postgres) {
  const auto admin = db::connect(postgres.conninfo_admin("pool_lab storm"), 5s);
  while (!db::run_now(*admin, "SELECT FROM pg_stat_activity WHERE usename = 'lab_jobs' "
                              "AND state <> 'idle'")
              .empty())
    std::this_thread::sleep_for(20ms);
  std::map<std::string, int> found;
  for (const auto &row : db::run_now(*admin, "SELECT payload->>'token', count(*) FROM jobs "
                                             "WHERE payload ? 'token' GROUP BY 1"))
    found[row[0].c_str()] = row[1].as<int>();
  return found;
}

void expect_that_answers_are_true(const std::vector<Tried> &tried,
                                  const std::map<std::string, int> &table) {
  std::map<std::string, int> answers;
  int missing = 0, twice = 0, broken = 0, unknown_and_there = 0, denied_but_there = 0;
  for (const Tried &one : tried) {
    const auto found = table.find(one.token);
    const int there = found == table.end() ? 0 : found->second;
    ++answers[one.status == 201 ? "201" : one.status == 0 ? "connection broke" : one.code];
    twice += there > 1;
    broken += one.status == 0;
    if (one.status == 201)
      missing += there == 0;
    else if (one.code == "outcome_unknown")
      unknown_and_there += there > 0;
    else
      denied_but_there += there > 0;
  }
  std::string told;
  for (const auto &[answer, count] : answers)
    told += fmt::format(" {} {}", count, answer);
  fmt::print("answers: {} jobs:{}\n", tried.size(), told);
  fmt::print("table: {} jobs; answered 201 but not there {}, there twice {}, outcome_unknown and "
             "there {}, another answer but there {}\n",
             table.size(), missing, twice, unknown_and_there, denied_but_there);
  EXPECT_EQ(missing, 0) << "201 stands for a job that outlives a crash";
  EXPECT_EQ(twice, 0);
  EXPECT_EQ(denied_but_there, 0) << "what may have happened is outcome_unknown";
  EXPECT_EQ(broken, 0) << "the host answers, whatever the database does";
  EXPECT_GT(answers["201"], 1000) << "else this proves little";
}

void expect_no_late_answer(const std::vector<Tried> &tried, milliseconds limit) {
  std::vector<double> late;
  for (const Tried &one : tried)
    if (one.answered - one.sent > patience)
      late.push_back(ms(one.answered - one.sent - patience));
  const double most = share_of(late, 1);
  fmt::print("deadlines: {} requests were answered after theirs, by p99 {:.0f} ms, at most {:.0f} "
             "ms (limit {} ms)\n",
             late.size(), share_of(late, 0.99), most, limit.count());
  EXPECT_LE(most, static_cast<double>(limit.count()));
}

void expect_service_soon_after(const std::vector<Outage> &outages, const std::vector<Tried> &tried,
                               milliseconds limit) {
  std::vector<double> all;
  for (const Outage &outage : outages) {
    Moment first = Moment::max();
    for (const Tried &one : tried)
      if (one.status == 201 && one.sent > outage.gone)
        first = std::min(first, one.answered);
    ASSERT_NE(first, Moment::max()) << "nothing was served after a " << outage.kind;
    all.push_back(std::max(0.0, ms(first - outage.accepting)));
    fmt::print("outage: {} of {:.0f} ms, first success {:.0f} ms after PostgreSQL accepts\n",
               outage.kind, ms(outage.accepting - outage.began), all.back());
  }
  fmt::print("first success after an outage: median {:.0f} ms, at most {:.0f} ms (limit {} ms)\n",
             share_of(all, 0.5), share_of(all, 1), limit.count());
  EXPECT_LE(share_of(all, 1), static_cast<double>(limit.count()));
}

void expect_few_connects(const std::vector<Outage> &outages, const std::vector<Seen> &seen) {
  int most = 0, over = 0;
  for (const Seen &look : seen) {
    most = std::max(most, look.connecting);
    over += look.connecting > look.most_connecting;
  }
  fmt::print("connects: at most {} under way in {} looks, above the plan's in {}\n", most,
             seen.size(), over);
  EXPECT_GT(seen.size(), 1000U);
  EXPECT_EQ(over, 0);

  // Those that were under way when it went fail together; then there is one prober.
  double fastest = 0;
  for (const Outage &outage : outages) {
    if (outage.kind != "kill")
      continue;
    std::uint64_t before = 0, at_first = 0, last = 0;
    Moment first{};
    for (const Seen &look : seen) {
      if (look.at <= outage.began)
        before = last = look.failed;
      else if (look.at <= outage.accepting) {
        last = look.failed;
        if (last == before || (first != Moment{} && look.at < first + 50ms))
          at_first = last;
        if (last != before && first == Moment{}) {
          first = look.at;
          at_first = last;
        }
      }
    }
    if (first == Moment{})
      continue; // nobody asked for one
    const double seconds = ms(outage.accepting - first) / 1000;
    const auto probes = static_cast<double>(last - at_first);
    fmt::print("connects while it was down: {} at once, then {:.0f} in {:.2f} s\n",
               at_first - before, probes, seconds);
    EXPECT_LE(at_first - before, static_cast<std::uint64_t>(seen.front().most_connecting));
    EXPECT_LE(probes, 5 * seconds + 1);
    if (seconds >= 1)
      fastest = std::max(fastest, probes / seconds);
  }
  fmt::print("connects a second while it was down: at most {:.1f} (limit 5)\n", fastest);
  EXPECT_LE(fastest, 5);
}

TEST(Storm, EveryAnswerStaysTrueAndServiceComesBack) {
  db::PrivatePostgres &postgres = db::TestPostgres::shared().postgres();
  {
    const auto session = db::TestPostgres::shared().connect_jobs();
    for (const char *setting : {"fsync", "synchronous_commit", "full_page_writes"})
      ASSERT_EQ(std::string(db::run_now(*session, fmt::format("SHOW {}", setting))[0][0].c_str()),
                "on")
          << setting << ": else a crash may undo what was answered";
  }
  const Measure wanted = measure();
  TestHost host;
  Clients posting(host.port());
  Onlooker onlooker(host.port());
  Storm storm(postgres, wanted);
  storm.rage();
  const std::vector<Tried> tried = posting.finish();
  const std::vector<Seen> seen = onlooker.finish();

  fmt::print("storm: {} kills, {} freezes of {} ms, {} backends terminated\n", wanted.kills,
             wanted.freezes, wanted.freeze.count(), storm.terminated);
  EXPECT_EQ(storm.terminated, wanted.terminates);
  ASSERT_EQ(storm.outages.size(), static_cast<std::size_t>(wanted.kills + wanted.freezes));
  expect_that_answers_are_true(tried, jobs_in(postgres));
  expect_no_late_answer(tried, wanted.excess_limit);
  expect_service_soon_after(storm.outages, tried, wanted.back_limit);
  expect_few_connects(storm.outages, seen);
  EXPECT_EQ(host.stop().status, 0) << "and the host is well at the end";
}

} // namespace
} // namespace lab::host
