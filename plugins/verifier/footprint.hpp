// What this process holds that a strategy must leave alone: threads, children,
// open files, memory, handlers of signals. Taken before and after a trial. [any thread]
#pragma once

#include <array>
#include <cstddef>

#include <csignal>

namespace lab::plugin {

struct Footprint {
  std::size_t threads = 0;
  std::size_t files = 0;
  std::size_t heap = 0;        // bytes that were allocated and not freed
  bool standard_files = false; // 0, 1 and 2 are all open
  bool children = false;

  static Footprint take();
};

// The signals by which the host contains a fault. Their handlers, as they are.
struct FaultHandlers {
  static constexpr std::array signals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
  std::array<void (*)(int), signals.size()> handlers{};

  static FaultHandlers take();
  bool operator==(const FaultHandlers &) const = default;
};

} // namespace lab::plugin
