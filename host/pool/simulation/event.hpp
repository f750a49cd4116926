// An event of a simulated schedule: what the pool is told, as a value that can be
// printed and told again.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "host/pool/pool.hpp"

namespace lab::pool::simulation {

// The events of pool.hpp, split where it matters what they meet.
enum class Kind {
  acquire,
  release,
  release_failed,
  broke_in_use,
  broke_idle,
  dead_at_checkout,
  connected,
  connect_failed,
  connect_refused, // too many connections
  cancel_waiting,
  cancel_other, // a request that holds, is over, or never was
  admit_keep,
  admit_front,
  admit_back,
  admit_refuse,
  admit_late, // on a request that does not wait
  plan,
  fresh_plan, // of another strategy
  tick,
  observe,
  take_asks,
  stray, // about a connection that is not in the state for it
  shut_down
};
inline constexpr std::size_t kinds = 23;
std::string_view name_of(Kind kind);

struct Event {
  Kind kind = Kind::tick;
  Time now{};
  RequestId request{};
  ConnectionId connection{};
  Time deadline{};         // acquire
  Verdict verdict{};       // admit_*
  Plan plan{};             // plan, fresh_plan
  bool admits = false;     // plan, fresh_plan
  unsigned flavour = 0;    // stray: which of the events about connections
  bool gate_first = false; // acquire, release: as the live driver does, try the gate
};

// Tells the pool. What `observe` and `take_asks` answer is kept in `seen` and `asks`.
struct Told {
  Actions actions;
  pl_observation seen{};
  std::vector<WaitingRequest> asks;
  bool through_the_gate = false; // then the actions hold the Serve that was answered
};
void tell(Pool &pool, const Event &event, Told &told);

std::string text_of(const Event &event);
std::string text_of(const Action &action);

} // namespace lab::pool::simulation
