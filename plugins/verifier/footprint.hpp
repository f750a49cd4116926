// What this process holds that a strategy must leave alone: threads, children,
// open files, memory, handlers of signals. Taken before and after a trial. [any thread]
#pragma once

#include <array>
#include <cstddef>

#include "plugins/loader/stopped_thread.hpp"

namespace lab::plugin {

struct Footprint {
  std::size_t threads = 0;
  std::size_t files = 0;
  std::size_t heap = 0;        // bytes that were allocated and not freed
  bool standard_files = false; // 0, 1 and 2 are all open
  bool children = false;

  static Footprint take();
};

// The handlers, as they are, of the signals by which the host contains a fault, and of that by
// which it parks a thread.
struct FaultHandlers {
  std::array<void (*)(int), fault_signals.size() + 1> handlers{};

  static FaultHandlers take();
  bool operator==(const FaultHandlers &) const = default;
};

} // namespace lab::plugin
