#include "host/pool/plan.hpp"

#include <algorithm>

namespace lab::pool {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Clamps one field after the other and counts those that were out of range.
class Clamp {
public:
  std::uint32_t size(std::uint32_t value, std::uint32_t low = 0) {
    return in_range<std::uint32_t>(value, low, POOL_LAB_MAX_SIZE);
  }
  Duration time(pl_ns value, Duration low, Duration high) {
    return Duration(in_range<pl_ns>(value, low.count(), high.count()));
  }
  std::uint32_t choice(std::uint32_t value, std::uint32_t last) {
    if (value <= last)
      return value;
    ++fields;
    return 0;
  }

  unsigned fields = 0;

private:
  template <class T> T in_range(T value, T low, T high) {
    if (value >= low && value <= high)
      return value;
    ++fields;
    return value < low ? low : high;
  }
};

} // namespace

pl_plan to_abi(const Plan &plan) {
  pl_plan out{};
  out.struct_size = sizeof(pl_plan);
  out.max_in_use = plan.max_in_use;
  out.max_open = plan.max_open.value_or(POOL_LAB_AUTO);
  out.min_idle = plan.min_idle;
  out.max_connecting = plan.max_connecting;
  out.max_waiting = plan.max_waiting;
  out.order = plan.order == Order::lifo ? PL_LIFO : PL_FIFO;
  out.look_when_waiting = plan.look_when_waiting ? 1 : 0;
  out.wait_timeout = plan.wait_timeout.count();
  out.idle_timeout = plan.idle_timeout.count();
  out.max_lifetime = plan.max_lifetime.count();
  out.next_look = plan.next_look.count();
  return out;
}

Clamped from_abi(const pl_plan &in) {
  Clamp clamp;
  Plan plan;
  plan.max_in_use = clamp.size(in.max_in_use);
  if (in.max_open != POOL_LAB_AUTO)
    plan.max_open = clamp.size(in.max_open);
  plan.min_idle = clamp.size(in.min_idle);
  plan.max_connecting = clamp.size(in.max_connecting, 1);
  plan.max_waiting = clamp.size(in.max_waiting);
  plan.order = clamp.choice(in.order, PL_LIFO) == PL_LIFO ? Order::lifo : Order::fifo;
  plan.look_when_waiting = clamp.choice(in.look_when_waiting, 1) == 1;
  plan.wait_timeout = clamp.time(in.wait_timeout, Duration::zero(), hours(1));
  plan.idle_timeout = clamp.time(in.idle_timeout, milliseconds(1), hours(24));
  plan.max_lifetime = clamp.time(in.max_lifetime, seconds(1), hours(24));
  plan.next_look = clamp.time(in.next_look, milliseconds(1), minutes(1));
  return {plan, clamp.fields};
}

Clamped within_share(Plan plan, std::uint32_t share) {
  unsigned fields = 0;
  const auto hold_down = [&](std::uint32_t &size) {
    if (size <= share)
      return;
    size = share;
    ++fields;
  };
  plan.share = share;
  hold_down(plan.max_in_use);
  hold_down(plan.min_idle);
  if (plan.max_open)
    hold_down(*plan.max_open);
  return {plan, fields};
}

Plan while_paused(Plan plan, std::uint32_t max_open) {
  if (!plan.max_open)
    plan.max_open = std::max(plan.max_in_use, max_open);
  plan.max_in_use = 0;
  return plan;
}

} // namespace lab::pool
