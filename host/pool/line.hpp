// The waiting line: who waits for a connection, in the order in which they are served, and
// until when each may wait.
//
// [whoever holds the pool] Every function. A pointer or reference to a waiter is good until
// that one leaves.
#pragma once

#include <cstdint>
#include <list>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "host/pool/slot.hpp"
#include "host/pool/time.hpp"

namespace lab::pool {

struct Waiter {
  RequestId request;
  Time asked;
  Time own_deadline; // its request's
  Time deadline;     // the earliest of that one, the plan's and a verdict's
  bool has_verdict = false;
  bool asked_about = false; // the strategy's `admit` has seen it
  std::string_view route;
};

class Line {
public:
  enum class End { front, back };
  using Waiters = std::list<Waiter>;

  bool empty() const { return waiters_.empty(); }
  std::size_t size() const { return waiters_.size(); }
  const Waiter &front() const { return waiters_.front(); } // the next to be served
  Waiters::const_iterator begin() const { return waiters_.begin(); }
  Waiters::const_iterator end() const { return waiters_.end(); }
  // Null: it does not wait.
  const Waiter *find(RequestId request) const;

  // The earliest deadline, Time::max() where nobody waits, and whose it is.
  Time next_deadline() const;
  const Waiter &first_due() const;

  void join(End end, const Waiter &waiter);
  void leave(RequestId request);
  // A verdict: it goes to that end, and may wait until `deadline`, but no longer than its own.
  void judge(RequestId request, End end, Time deadline);
  // The plan's wait_timeout is another. It may shorten a verdict, never extend it.
  void plan_timeout(Duration wait_timeout);
  // The plan's order is another. Those without a verdict stand by the time they came, turned
  // round; what a verdict placed stays where it is.
  void turn();

  struct Newcomer {
    const Waiter *waiter;
    std::uint32_t ahead; // how many are served before it
  };
  // Those that the strategy was not asked about; from now on it was.
  std::vector<Newcomer> take_newcomers();

private:
  using Place = Waiters::iterator;
  void set_deadline(Waiter &waiter, Time deadline);

  Waiters waiters_;
  std::unordered_map<RequestId, Place> places_;
  std::set<std::pair<Time, RequestId>> deadlines_;
};

} // namespace lab::pool
