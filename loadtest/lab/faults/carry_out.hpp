// Doing a fault from begin to end, where its place is taken already: what `lab fault`
// does, and a load in its middle.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "loadtest/lab/faults/fault_kind.hpp"
#include "loadtest/lab/faults/in_force.hpp"

namespace lab::cli {

// Begins it, tells the hosts, calls `begun` with what is so now, blocks for `size.length` or
// until a stop, and undoes it: it is undone when this returns, with a line that says what is
// so then. Throws std::runtime_error. [one thread for a place]
std::string carry_out(
    const Places &places, const FaultKind &kind, const FaultSize &size, FaultPlace &place,
    const std::stop_token &stop,
    const std::function<void(const std::string &)> &begun = [](const std::string &) {});

} // namespace lab::cli
