// What the host says about a request's time, in its Server-Timing header:
// `wait;dur=1.234, hold;dur=50.123`, in milliseconds. [any thread]
#pragma once

#include <cstdint>
#include <string_view>

namespace lab::load {

struct ServerTiming {
  std::int64_t wait = -1; // ns for a connection; -1: not said
  std::int64_t hold = -1; // ns of it; -1: not said, it never had one
};

// What it doesn't understand it passes over.
ServerTiming parse_server_timing(std::string_view header);

} // namespace lab::load
