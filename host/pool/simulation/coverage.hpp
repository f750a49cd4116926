// Which event met which state of the pool, and how often. A simulation is worth as
// much as what it has met, so the table is printed, and a test wants it complete.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "host/pool/simulation/books.hpp"
#include "host/pool/simulation/event.hpp"

namespace lab::pool::simulation {

// A pool is in the first of these that fits.
enum class State {
  shut_down,
  down_nothing_open, // connects fail, and nothing is open
  down_some_open,
  refused, // the server refuses more connections
  paused,  // max_in_use is 0
  surplus, // more open than max_open
  over,    // more in use than max_in_use
  connecting_for_waiters,
  waiting, // and no connect is under way
  nothing_open,
  connecting_ahead, // connects under way, and nobody waits
  at_rest,          // all idle
  some_idle,
  all_in_use
};
inline constexpr std::size_t states = 14;

State state_of(const Books &books);

// Whether `kind` can meet `state` at all.
bool possible(Kind kind, State state);

class Coverage { // [one thread]
public:
  void count(Kind kind, State state);
  void add(const Coverage &other);
  std::uint64_t at(Kind kind, State state) const;
  std::uint64_t events() const;
  int possible_cells() const;
  int met_cells() const;
  // The table; cells that are possible and were not met say "MISSING".
  std::string table() const;

private:
  std::array<std::array<std::uint64_t, states>, kinds> cells_{};
};

} // namespace lab::pool::simulation
