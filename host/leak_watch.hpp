// Connections that are held for longer than any work should take: suspected leaks.
// A suspicion only: nothing is taken from a holder before somebody asks for that.
// [pool lock held]
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "host/pool/pool.hpp"

namespace lab::host {

// Who holds it, since when, and what the server knows it by.
struct SuspectedLeak {
  std::string_view route; // a literal
  pool::Time since{};
  int backend_pid = 0;
};

class LeakWatch {
public:
  // Held so long is suspicious; zero: nothing ever is.
  void suspect_after(pool::Duration limit) { limit_ = limit; }
  bool suspicious(pool::Duration held) const {
    return limit_ > pool::Duration::zero() && held >= limit_;
  }

  // Counted once for each hold. True: it was not suspected before.
  bool suspect(pool::ConnectionId connection, const SuspectedLeak &leak);
  void given_back(pool::ConnectionId connection);
  // All that are suspected now, which then are so no more: they are reclaimed.
  std::vector<pool::ConnectionId> reclaim();

  struct Counts {
    pool::Duration limit{};
    std::uint64_t suspected = 0;    // since the start
    std::uint64_t reclaimed = 0;    // of those
    std::vector<SuspectedLeak> now; // those that are suspected, longest held first
  };
  Counts counts() const;

private:
  pool::Duration limit_{};
  std::uint64_t suspected_ = 0;
  std::uint64_t reclaimed_ = 0;
  std::unordered_map<pool::ConnectionId, SuspectedLeak> leaks_;
};

} // namespace lab::host
