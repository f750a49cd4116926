// A plan: the numbers that the pool follows. Meanings and ranges: pl_plan in
// pool_lab/strategy.h, the ABI, of which this is the C++ side.
#pragma once

#include <cstdint>
#include <optional>

#include "host/pool/time.hpp"
#include "pool_lab/strategy.h"

namespace lab::pool {

enum class Order { fifo, lifo };

struct Plan {
  std::uint32_t max_in_use = 10;
  std::optional<std::uint32_t> max_open; // absent: the highest max_in_use of the last idle_timeout
  std::uint32_t min_idle = 0;
  std::uint32_t max_connecting = 4;
  std::uint32_t max_waiting = POOL_LAB_MAX_SIZE;
  Order order = Order::fifo;
  bool look_when_waiting = false;
  Duration wait_timeout = std::chrono::seconds(5);
  Duration idle_timeout = std::chrono::seconds(30);
  Duration max_lifetime = std::chrono::minutes(30);
  Duration next_look = std::chrono::seconds(1);

  // The host's, not a strategy's: no more than this may be open, whatever the rest says.
  std::uint32_t share = POOL_LAB_MAX_SIZE;

  friend bool operator==(const Plan &, const Plan &) = default;
};

// The ABI's struct with every field set, for a strategy to start from or to be shown.
pl_plan to_abi(const Plan &plan);

struct Clamped {
  Plan plan;
  unsigned fields = 0; // how many had to be clamped
};

// A strategy's answer, brought into the stated ranges.
Clamped from_abi(const pl_plan &in);

// The same plan on a server that is shared with others: no size above `share`.
Clamped within_share(Plan plan, std::uint32_t share);

// The same plan while the host's pool is paused: nobody is handed a connection. The line,
// its deadlines and what may be open stay as they are, however long it takes: `max_open`, where
// the plan leaves that to the pool. No field counts as clamped: nothing is wrong with the strategy.
Plan while_paused(Plan plan, std::uint32_t max_open);

} // namespace lab::pool
