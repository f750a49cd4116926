// How requests for the database ended, counted by the one vocabulary of failures:
// the codes that go into answers, with "ok" before them. [any thread]
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace lab::host {

class Outcomes {
public:
  static constexpr std::array<std::string_view, 9> codes = {
      "ok",        "pool_timeout", "pool_rejected",   "too_many_connections", "db_unavailable",
      "host_busy", "draining",     "outcome_unknown", "query_failed"};

  // A code that is the caller's own mistake (4xx), or that nobody was there to hear
  // (client_gone), says nothing about the pool: not counted.
  void count(std::string_view code) {
    for (std::size_t i = 0; i < codes.size(); ++i)
      if (codes[i] == code)
        counts_[i].fetch_add(1, std::memory_order_relaxed);
  }

  std::uint64_t of(std::size_t index) const {
    return counts_[index].load(std::memory_order_relaxed);
  }

private:
  std::array<std::atomic<std::uint64_t>, codes.size()> counts_{};
};

} // namespace lab::host
