// Ports on 127.0.0.1: whether one is free, and who has it. [any thread]
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace lab::cli {

struct PortOwner {
  pid_t pid = 0;       // 0: not to be seen from here (another user's process)
  std::string program; // "" then
};

// All ports that are needed when they are counted from that base.
using PortsFrom = std::function<std::vector<unsigned short>(unsigned short base)>;

bool port_is_free(unsigned short port);

// Who listens on the port, as far as /proc tells; nothing when nobody does.
std::optional<PortOwner> listener_on(unsigned short port);

// The first of `port` + 100, + 200, ... from which all that are needed are free: a
// base. With a number: that one and those after it. Throws SetUpFailed when there is
// none.
unsigned short free_port_after(unsigned short port, const PortsFrom &needed);
unsigned short free_port_after(unsigned short port, int count = 1);

// Does nothing when each port is free that is needed from `base` on, or one of `ours`
// listens on it; else throws SetUpFailed, which says who has it and offers a base
// that is free.
void require_ports(unsigned short base, const PortsFrom &needed, const std::vector<pid_t> &ours);
void require_ports(unsigned short base, int count, const std::vector<pid_t> &ours);

} // namespace lab::cli
