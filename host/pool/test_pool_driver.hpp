// A pool driven by hand, for tests: time is a number that the test moves, and
// every event is followed by a check of the books. [one thread]
#pragma once

#include "host/pool/pool.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

namespace lab::pool {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Drives a pool and keeps its own books, from the actions alone.
class Driver {
public:
  explicit Driver(Plan plan = {}) : pool(7) { follow(plan, true); }

  void follow(const Plan &plan, bool fresh = false, bool admits = false) {
    event([&](Actions &out) { pool.follow(now, plan, fresh, admits, out); });
  }
  void ask(int request, Duration patience = hours(1)) {
    event([&](Actions &out) {
      pool.acquire(now, RequestId(request), now + patience, "GET /x", out);
    });
  }
  void give_back(int request, bool ok = true) {
    const ConnectionId connection = holds.at(request);
    holds.erase(request);
    event([&](Actions &out) { pool.release(now, connection, ok, out); });
  }
  void lose(int request) {
    const ConnectionId connection = holds.at(request);
    holds.erase(request);
    event([&](Actions &out) { pool.broke(now, connection, out); });
  }
  void found_dead(int request) {
    const ConnectionId connection = holds.at(request);
    holds.erase(request);
    event([&](Actions &out) { pool.dead_at_checkout(now, connection, out); });
  }
  void connect_one() {
    const ConnectionId connection = take_connecting();
    event([&](Actions &out) { pool.connected(now, connection, out); });
  }
  void connect_all() {
    while (!connecting.empty())
      connect_one();
  }
  void fail_connect(bool too_many = false) {
    const ConnectionId connection = take_connecting();
    event([&](Actions &out) { pool.connect_failed(now, connection, too_many, out); });
  }
  bool cancel(int request) {
    bool waited = false;
    event([&](Actions &out) { waited = pool.cancel(now, RequestId(request), out); });
    return waited;
  }
  void verdict(int request, const Verdict &v) {
    event([&](Actions &out) { pool.admitted(now, RequestId(request), v, out); });
  }
  void shut_down() {
    event([&](Actions &out) { pool.shut_down(now, out); });
  }
  // Moves time on, ticking whenever the pool asked for it.
  void pass(Duration d) {
    const Time until = now + d;
    while (wake <= until) {
      now = std::max(now, wake);
      tick();
    }
    now = until;
  }
  void tick() {
    wake = Time::max();
    event([&](Actions &out) { pool.tick(now, out); });
  }

  Time now{};
  Time wake = Time::max();
  Pool pool;
  std::map<int, ConnectionId> holds;
  std::map<int, Refusal> refused;
  std::vector<int> served; // in order
  std::set<ConnectionId> connecting;
  std::set<ConnectionId> open;
  int strategy_asked = 0;

private:
  ConnectionId take_connecting() {
    EXPECT_FALSE(connecting.empty()) << "no connect is under way";
    const ConnectionId first = *connecting.begin();
    connecting.erase(first);
    return first;
  }

  template <class Event> void event(Event run) {
    Actions out;
    run(out);
    for (const Action &action : out) {
      if (const auto *a = std::get_if<Connect>(&action)) {
        connecting.insert(a->connection);
        EXPECT_LE(pool.levels().open + pool.levels().connecting, pool.max_open());
      } else if (const auto *a = std::get_if<Serve>(&action)) {
        const int request = static_cast<int>(a->request);
        for (const auto &[holder, held] : holds)
          EXPECT_NE(held, a->connection) << holder << " and " << request << " hold one connection";
        EXPECT_FALSE(holds.contains(request));
        holds[request] = a->connection;
        served.push_back(request);
      } else if (const auto *a = std::get_if<Refuse>(&action)) {
        refused[static_cast<int>(a->request)] = a->why;
      } else if (const auto *a = std::get_if<WakeAt>(&action)) {
        wake = std::min(wake, a->at);
      } else if (std::get_if<AskStrategy>(&action)) {
        ++strategy_asked;
      }
    }
    check();
  }

  void check() {
    const Levels level = pool.levels();
    const Counts &n = pool.counts(now);
    EXPECT_EQ(level.in_use, holds.size());
    EXPECT_EQ(level.open, level.idle + level.in_use);
    EXPECT_EQ(n.connects, n.closed + level.open);
    EXPECT_EQ(n.asked, n.served + n.timed_out + n.refused + n.cancelled + n.failed + level.waiting +
                           level.in_use);
    if (level.in_use < pool.plan().max_in_use) {
      EXPECT_TRUE(level.idle == 0 || level.waiting == 0)
          << "somebody waits beside an idle connection";
    }
  }
};

inline Plan plan_of(std::uint32_t max, Duration wait = seconds(5)) {
  Plan plan;
  plan.max_in_use = max;
  plan.max_connecting = 100;
  plan.wait_timeout = wait;
  return plan;
}

} // namespace lab::pool
