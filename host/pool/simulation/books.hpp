// The books: what a pool must have done, worked out from the events and the
// actions alone. They know nothing of the pool's inside, so they can be wrong only
// in their own way. After every event they are compared with what the pool says.
//
// The rules are those of pool.hpp's head, of the plan (pl_plan in strategy.h) and
// of the vocabulary of refusals. Where the pool may choose (jitter of lifetimes and
// of back-off), the books hold it to the stated range. [one thread]
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/pool/pool.hpp"
#include "host/pool/simulation/event.hpp"
#include "host/pool/simulation/window_books.hpp"

namespace lab::pool::simulation {

struct Request {
  enum class Is { waiting, holding, over } is = Is::waiting;
  Time asked{};
  Time own_deadline{};
  Time deadline{};
  bool has_verdict = false;
  bool asked_about = false;
  ConnectionId connection{}; // while holding
  Duration waited{};         // until it was served
};

struct Connection {
  enum class Is { connecting, idle, held } is = Is::connecting;
  Time since{};
  Time retires_after{};  // its lifetime, with the most jitter
  Time retires_before{}; // with none
  RequestId holder{};
};

class Books {
public:
  Books(const Plan &plan, std::uint32_t most_samples);

  // Compares what the pool did about `event` with what it had to do. "": all is well;
  // otherwise one line, and these books are of no more use.
  std::string check(const Event &event, const Told &told, const Pool &pool);

  // ---- what a schedule chooses from ----
  const Plan &plan() const { return plan_; }
  Time now() const { return now_; }
  Time wake() const { return wake_; } // when the pool wants a tick
  bool shut() const { return shut_; }
  enum class Trouble { none, refused, down };
  Trouble trouble() const { return trouble_; }
  std::uint32_t max_open_at_least() const;
  std::uint32_t max_open_at_most() const;
  const std::vector<RequestId> &line() const { return line_; }    // front first
  const std::vector<ConnectionId> &idle() const { return idle_; } // newest last
  const std::vector<ConnectionId> &held() const { return held_; } // oldest hold first
  const std::vector<ConnectionId> &connecting() const { return connecting_; }
  const Request *find(RequestId request) const;
  const Connection &at(ConnectionId connection) const { return connections_.at(connection); }
  Time earliest_deadline() const;

private:
  struct Wrong {
    std::string what;
  };
  // Throws Wrong: a reader can follow a rule from top to bottom.
  template <class... Args> static void require(bool holds, const char *rule, Args... about);

  void take_in(const Event &event);
  void take_in_plan(const Event &event);
  void came_back(ConnectionId connection);
  void end_hold(ConnectionId connection, Outcome how);
  void carry_out(const Connect &action);
  void carry_out(const Close &action);
  void carry_out(const Serve &action);
  void carry_out(const Refuse &action);
  void carry_out(const WakeAt &action);
  void carry_out(const AskStrategy &) { ++event_.asked_strategy; }
  Outcome judge(const Refuse &a, const Request &request) const;
  void check_rest(const Pool &pool) const;
  void check_settled() const;
  void check_newcomer() const;
  void check_connects() const;
  void check_wake() const;
  void check_observation(const pl_observation &seen);
  void check_asks(const std::vector<WaitingRequest> &asks);

  Levels levels() const;
  std::uint32_t wanted_connects() const;
  std::uint32_t allowed_connects() const;
  std::uint32_t room(std::uint32_t max_open, Time quiet_until) const;
  std::uint32_t in_use() const { return static_cast<std::uint32_t>(held_.size()); }
  std::uint32_t open() const { return static_cast<std::uint32_t>(idle_.size() + held_.size()); }
  Duration oldest_wait() const;
  void put_in_order(Order order);
  void over(RequestId request);

  Plan plan_;
  bool admits_ = false;
  bool shut_ = false;
  Time now_{};
  Time wake_ = Time::max();

  std::map<RequestId, Request> requests_;
  std::map<ConnectionId, Connection> connections_;
  std::vector<RequestId> line_;
  std::vector<ConnectionId> idle_;
  std::vector<ConnectionId> held_;
  std::vector<ConnectionId> connecting_;
  std::uint64_t last_connection_ = 0;

  // max_in_use of the plans since the last fresh one, and until when each held.
  struct Limit {
    std::uint32_t max_in_use;
    Time until;
  };
  std::vector<Limit> limits_;

  Trouble trouble_ = Trouble::none;
  Trouble last_error_ = Trouble::none;
  Time last_error_at_ = Time::min();
  Time quiet_until_at_least_{}; // the back-off, without jitter and with the most
  Time quiet_until_at_most_{};
  Duration pause_{};
  std::uint32_t slow_start_ = POOL_LAB_MAX_SIZE;

  // Of the event that is being checked.
  enum class Closing { must_not, may, must };
  struct {
    std::optional<ConnectionId> connection; // that came back, connected or broke
    Closing closing = Closing::must_not;
    bool missed_one = false;
    std::optional<RequestId> newcomer;
    std::uint32_t ahead = 0;         // of the newcomer: those who are still in time
    std::uint32_t room_at_least = 0; // hand-outs in sight when it came
    std::uint32_t room_at_most = 0;
    bool at_once = false;                  // an idle connection was there for it
    std::optional<RequestId> gets_another; // its own was dead, and an idle one is there
    std::optional<RequestId> refused_by_verdict;
    unsigned asked_strategy = 0;
  } event_;

  WindowBooks window_;
};

} // namespace lab::pool::simulation
