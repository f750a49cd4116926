#include "loadtest/lab/ports.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/process.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char *listening = "0A"; // TCP_LISTEN in /proc/net/tcp

// The inodes of the sockets that listen on the port.
std::set<std::string> sockets_listening_on(unsigned short port) {
  std::set<std::string> inodes;
  for (const char *table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(table);
    std::string line;
    std::getline(file, line); // the headings
    while (std::getline(file, line)) {
      std::istringstream fields(line);
      std::string number, local, remote, state, queues, timer, retransmits, user, timeout, inode;
      if (!(fields >> number >> local >> remote >> state >> queues >> timer >> retransmits >>
            user >> timeout >> inode))
        continue;
      const auto colon = local.rfind(':');
      if (state == listening && colon != std::string::npos &&
          std::strtoul(local.c_str() + colon + 1, nullptr, 16) == port)
        inodes.insert("socket:[" + inode + "]");
    }
  }
  return inodes;
}

std::optional<pid_t> holder_of(const std::set<std::string> &sockets) {
  std::error_code unseen;
  for (const auto &entry : fs::directory_iterator("/proc", unseen)) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    if (pid <= 0)
      continue;
    std::error_code closed;
    for (fs::directory_iterator file(entry.path() / "fd", closed), end; !closed && file != end;
         file.increment(closed)) {
      std::error_code gone;
      if (sockets.contains(fs::read_symlink(file->path(), gone).string()))
        return pid;
    }
  }
  return std::nullopt;
}

// What stands in the way on this port; "" when nothing does.
std::string in_the_way(unsigned short port, const std::vector<pid_t> &ours) {
  const auto owner = listener_on(port);
  if (owner && std::find(ours.begin(), ours.end(), owner->pid) != ours.end())
    return "";
  if (!owner && port_is_free(port))
    return "";
  if (!owner || owner->pid <= 0)
    return "another program";
  return fmt::format("{} (process {})", owner->program.empty() ? "a program" : owner->program,
                     owner->pid);
}

PortsFrom in_a_row(int count) {
  return [count](unsigned short base) {
    std::vector<unsigned short> ports;
    for (int next = 0; next < count; ++next)
      ports.push_back(static_cast<unsigned short>(base + next));
    return ports;
  };
}

} // namespace

bool port_is_free(unsigned short port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return false;
  const int yes = 1; // connections of an earlier host that linger don't count
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool free = ::bind(fd, reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0;
  ::close(fd);
  return free;
}

std::optional<PortOwner> listener_on(unsigned short port) {
  const auto sockets = sockets_listening_on(port);
  if (sockets.empty())
    return std::nullopt;
  const auto pid = holder_of(sockets);
  return pid ? PortOwner{*pid, program_of(*pid)} : PortOwner{};
}

unsigned short free_port_after(unsigned short port, const PortsFrom &needed) {
  for (int base = port + 100; base <= 65000; base += 100) {
    const auto ports = needed(static_cast<unsigned short>(base));
    if (std::all_of(ports.begin(), ports.end(), port_is_free))
      return static_cast<unsigned short>(base);
  }
  throw SetUpFailed(
      fmt::format("no port is free above {}: choose one with scripts/lab up --port PORT", port));
}

unsigned short free_port_after(unsigned short port, int count) {
  return free_port_after(port, in_a_row(count));
}

void require_ports(unsigned short base, int count, const std::vector<pid_t> &ours) {
  require_ports(base, in_a_row(count), ours);
}

void require_ports(unsigned short base, const PortsFrom &needed, const std::vector<pid_t> &ours) {
  for (const unsigned short port : needed(base)) {
    if (const std::string who = in_the_way(port, ours); !who.empty())
      throw SetUpFailed(fmt::format("port {} is in use by {}: end that, or take a free port with "
                                    "scripts/lab up --port {}",
                                    port, who, free_port_after(base, needed)));
  }
}

} // namespace lab::cli
