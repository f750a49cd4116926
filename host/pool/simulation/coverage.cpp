#include "host/pool/simulation/coverage.hpp"

#include <fmt/format.h>

namespace lab::pool::simulation {
namespace {

constexpr std::array<std::string_view, states> state_names = {
    "shut down",        "down, nothing open",
    "down, some open",  "server refuses",
    "paused",           "surplus",
    "over the limit",   "waiting, connecting",
    "waiting",          "nothing open",
    "connecting ahead", "at rest",
    "some idle",        "all in use"};

template <class... States> bool one_of(State state, States... others) {
  return ((state == others) || ...);
}

} // namespace

State state_of(const Books &b) {
  const std::size_t open = b.idle().size() + b.held().size();
  if (b.shut())
    return State::shut_down;
  if (b.trouble() == Books::Trouble::down)
    return open == 0 ? State::down_nothing_open : State::down_some_open;
  if (b.trouble() == Books::Trouble::refused)
    return State::refused;
  if (b.plan().max_in_use == 0)
    return State::paused;
  if (open + b.connecting().size() > b.max_open_at_most())
    return State::surplus;
  if (b.held().size() > b.plan().max_in_use)
    return State::over;
  if (!b.line().empty())
    return b.connecting().empty() ? State::waiting : State::connecting_for_waiters;
  if (!b.connecting().empty())
    return State::connecting_ahead;
  if (open == 0)
    return State::nothing_open;
  if (b.held().empty())
    return State::at_rest;
  return b.idle().empty() ? State::all_in_use : State::some_idle;
}

bool possible(Kind kind, State state) {
  switch (kind) {
  case Kind::release:
  case Kind::release_failed:
  case Kind::broke_in_use:
  case Kind::dead_at_checkout: // somebody holds
    return !one_of(state, State::down_nothing_open, State::nothing_open, State::at_rest);
  case Kind::broke_idle: // something rests
    return !one_of(state, State::shut_down, State::down_nothing_open, State::nothing_open,
                   State::all_in_use);
  case Kind::connected:
  case Kind::connect_failed:
  case Kind::connect_refused: // a connect is under way
    return !one_of(state, State::waiting, State::nothing_open, State::at_rest, State::some_idle,
                   State::all_in_use);
  case Kind::cancel_waiting:
  case Kind::admit_keep:
  case Kind::admit_front:
  case Kind::admit_back:
  case Kind::admit_refuse: // somebody waits
    return !one_of(state, State::shut_down, State::down_nothing_open, State::nothing_open,
                   State::connecting_ahead, State::at_rest, State::some_idle, State::all_in_use);
  default:
    return true;
  }
}

void Coverage::count(Kind kind, State state) {
  ++cells_.at(static_cast<std::size_t>(kind)).at(static_cast<std::size_t>(state));
}

void Coverage::add(const Coverage &other) {
  for (std::size_t k = 0; k < kinds; ++k)
    for (std::size_t s = 0; s < states; ++s)
      cells_.at(k).at(s) += other.cells_.at(k).at(s);
}

std::uint64_t Coverage::at(Kind kind, State state) const {
  return cells_.at(static_cast<std::size_t>(kind)).at(static_cast<std::size_t>(state));
}

std::uint64_t Coverage::events() const {
  std::uint64_t all = 0;
  for (const auto &row : cells_)
    for (const std::uint64_t cell : row)
      all += cell;
  return all;
}

int Coverage::possible_cells() const {
  int cells = 0;
  for (std::size_t k = 0; k < kinds; ++k)
    for (std::size_t s = 0; s < states; ++s)
      cells += possible(static_cast<Kind>(k), static_cast<State>(s)) ? 1 : 0;
  return cells;
}

int Coverage::met_cells() const {
  int cells = 0;
  for (std::size_t k = 0; k < kinds; ++k)
    for (std::size_t s = 0; s < states; ++s)
      cells += possible(static_cast<Kind>(k), static_cast<State>(s)) && cells_.at(k).at(s) > 0;
  return cells;
}

// Events down, states across; "-" cannot be.
std::string Coverage::table() const {
  std::string text;
  for (std::size_t s = 0; s < states; ++s)
    text += fmt::format("{:>18} = {}\n", static_cast<char>('A' + s), state_names.at(s));
  text += fmt::format("{:18}", "");
  for (std::size_t s = 0; s < states; ++s)
    text += fmt::format("{:>9}", static_cast<char>('A' + s));
  text += '\n';
  for (std::size_t k = 0; k < kinds; ++k) {
    text += fmt::format("{:18}", name_of(static_cast<Kind>(k)));
    for (std::size_t s = 0; s < states; ++s) {
      const std::uint64_t cell = cells_.at(k).at(s);
      if (possible(static_cast<Kind>(k), static_cast<State>(s)) || cell > 0)
        text += cell > 0 ? fmt::format("{:>9}", cell) : fmt::format("{:>9}", "MISSING");
      else
        text += fmt::format("{:>9}", "-");
    }
    text += '\n';
  }
  return text + fmt::format("{} of {} possible cells met, {} events\n", met_cells(),
                            possible_cells(), events());
}

} // namespace lab::pool::simulation
