// Ports on 127.0.0.1: whether one is free, and who has it. [any thread]
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace lab::cli {

struct PortOwner {
  pid_t pid = 0;       // 0: not to be seen from here (another user's process)
  std::string program; // "" then
};

bool port_is_free(unsigned short port);

// Who listens on the port, as far as /proc tells; nothing when nobody does.
std::optional<PortOwner> listener_on(unsigned short port);

// The first of `port` + 100, + 200, ... that is free together with the `count` - 1
// after it: a base, for other ports are counted from it. Throws SetUpFailed when
// there is none.
unsigned short free_port_after(unsigned short port, int count = 1);

// Does nothing when each of the `count` ports from `base` on is free, or one of
// `ours` listens on it; else throws SetUpFailed, which says who has it and offers
// a base that is free.
void require_ports(unsigned short base, int count, const std::vector<pid_t> &ours);

} // namespace lab::cli
