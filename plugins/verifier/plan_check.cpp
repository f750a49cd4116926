#include "plugins/verifier/plan_check.hpp"

#include <limits>

#include <fmt/core.h>

namespace lab::plugin {
namespace {

constexpr pl_ns us = 1000;
constexpr pl_ns ms = 1000 * us;
constexpr pl_ns s = 1000 * ms;
constexpr pl_ns hour = 3600 * s;

std::string span(pl_ns t) {
  if (t % s == 0)
    return fmt::format("{} s", t / s);
  if (t % ms == 0)
    return fmt::format("{} ms", t / ms);
  if (t % us == 0)
    return fmt::format("{} us", t / us);
  return fmt::format("{} ns", t);
}

using Problem = std::optional<std::string>;

Problem outside(const char *field, std::uint32_t value, std::uint32_t from, std::uint32_t to) {
  if (value >= from && value <= to)
    return std::nullopt;
  // A huge size is nearly always a negative number in an unsigned field.
  const bool negative = value > 0x7FFFFFFF;
  return fmt::format("{} is {}{}: it must be {} to {}", field, value,
                     negative ? fmt::format(" (or {})", static_cast<std::int32_t>(value)) : "",
                     from, to);
}

Problem outside(const char *field, pl_ns value, pl_ns from, pl_ns to) {
  if (value >= from && value <= to)
    return std::nullopt;
  // What x86 makes of a NaN, or of a number too large, that is cast to an integer.
  const bool not_a_number = value == std::numeric_limits<pl_ns>::min();
  return fmt::format("{} is {}{}: it must be {} to {}", field, span(value),
                     not_a_number ? " (a NaN or infinity made into a time)" : "", span(from),
                     span(to));
}

Problem no_choice(const char *field, std::uint32_t value, std::uint32_t last, const char *choices) {
  if (value <= last)
    return std::nullopt;
  return fmt::format("{} is {}: it must be {}", field, value, choices);
}

} // namespace

Problem problem_with(const pl_plan &plan) {
  constexpr std::uint32_t most = POOL_LAB_MAX_SIZE;
  if (auto p = outside("max_in_use", plan.max_in_use, 0, most))
    return p;
  if (plan.max_open != POOL_LAB_AUTO)
    if (auto p = outside("max_open", plan.max_open, 0, most))
      return *p + ", or POOL_LAB_AUTO";
  if (auto p = outside("min_idle", plan.min_idle, 0, most))
    return p;
  if (auto p = outside("max_connecting", plan.max_connecting, 1, most))
    return p;
  if (auto p = outside("max_waiting", plan.max_waiting, 0, most))
    return p;
  if (auto p = no_choice("order", plan.order, PL_LIFO, "PL_FIFO (0) or PL_LIFO (1)"))
    return p;
  if (auto p = no_choice("look_when_waiting", plan.look_when_waiting, 1, "0 or 1"))
    return p;
  if (auto p = outside("wait_timeout", plan.wait_timeout, 0, hour))
    return p;
  if (auto p = outside("idle_timeout", plan.idle_timeout, ms, 24 * hour))
    return p;
  if (auto p = outside("max_lifetime", plan.max_lifetime, s, 24 * hour))
    return p;
  return outside("next_look", plan.next_look, ms, 60 * s);
}

Problem problem_with(const pl_verdict &verdict) {
  if (auto p =
          no_choice("kind", verdict.kind, PL_REFUSE, "PL_KEEP (0), PL_WAIT (1) or PL_REFUSE (2)"))
    return p;
  if (verdict.kind != PL_WAIT)
    return std::nullopt;
  if (auto p = no_choice("place", verdict.place, PL_FRONT, "PL_BACK (0) or PL_FRONT (1)"))
    return p;
  return outside("wait", verdict.wait, 0, hour);
}

} // namespace lab::plugin
