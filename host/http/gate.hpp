// Who may call: the host listens on loopback, and a page of a foreign site in
// the user's own browser must not reach it. [any thread]
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/http/call.hpp"

namespace lab::host {

class Gate {
public:
  // `origins`: more that are allowed, such as https://name.example, for a
  // browser editor that forwards the port.
  explicit Gate(std::vector<std::string> origins) : origins_(std::move(origins)) {}

  // Throws a Problem unless `call` may be served. `changes`: it changes data.
  void check(const Call &call, bool changes) const;

private:
  bool allowed_host(std::string_view host) const;
  bool allowed_origin(const Call &call) const;

  std::vector<std::string> origins_;
};

} // namespace lab::host
