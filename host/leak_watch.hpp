// Connections that are held for longer than any work should take: suspected leaks.
// A suspicion only: nothing is taken from a holder before somebody asks for that.
// [pool lock held]
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <utility>
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
  using Leak = std::pair<const pool::ConnectionId, SuspectedLeak>;

  // Held so long is suspicious; zero: nothing ever is.
  void suspect_after(pool::Duration limit) { limit_ = limit; }
  bool suspicious(pool::Duration held) const {
    return limit_ > pool::Duration::zero() && held >= limit_;
  }

  // Counted once for each hold. True: it was not suspected before.
  bool suspect(pool::ConnectionId connection, const SuspectedLeak &leak);
  // The others were given back after all.
  template <class StillHeld> void keep_if(StillHeld still_held) {
    std::erase_if(leaks_, [&](const Leak &leak) { return !still_held(leak); });
  }
  // All that are suspected now, which then are so no more: they are to be reclaimed.
  std::unordered_map<pool::ConnectionId, SuspectedLeak> take() { return std::exchange(leaks_, {}); }
  void reclaimed(std::size_t count) { reclaimed_ += count; }

  struct Counts {
    pool::Duration limit{};
    std::uint64_t suspected = 0;    // since the start
    std::uint64_t reclaimed = 0;    // of those
    std::vector<SuspectedLeak> now; // those that are suspected, longest held first
  };
  template <class StillHeld> Counts counts(StillHeld still_held) const {
    Counts counts{limit_, suspected_, reclaimed_, {}};
    for (const Leak &leak : leaks_)
      if (still_held(leak))
        counts.now.push_back(leak.second);
    std::sort(counts.now.begin(), counts.now.end(),
              [](const auto &a, const auto &b) { return a.since < b.since; });
    return counts;
  }

private:
  pool::Duration limit_{};
  std::uint64_t suspected_ = 0;
  std::uint64_t reclaimed_ = 0;
  std::unordered_map<pool::ConnectionId, SuspectedLeak> leaks_;
};

} // namespace lab::host
