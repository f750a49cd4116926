// What can be learnt of a thread that a signal has stopped. All [signal handler].
#pragma once

#include <array>

#include <csignal>

namespace lab::plugin {

// The signals by which a host contains a fault, and that by which it parks a thread that hangs.
// They are the host's own: the verifier refuses who changes their handlers.
inline constexpr std::array fault_signals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
inline int park_signal() noexcept {
  return SIGRTMIN + 3;
}

// The instruction at which it came; null without the handler's `context`.
void *program_counter(const void *context) noexcept;

// A line, cut off where it is too long, and its end.
using Complaint = std::array<char, 300>;

// What the C library said before it called abort: "free(): invalid pointer", or of an
// assertion its text. "" when it said nothing: a plain abort, or another C library. Taken
// once, so that the next plain abort is not told with it.
Complaint take_complaint() noexcept;

// Whether such a text tells of damaged memory: all but an assertion of the author's do.
bool tells_of_damage(const char *complaint) noexcept;

} // namespace lab::plugin
