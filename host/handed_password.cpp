#include "host/handed_password.hpp"

#include <cerrno>
#include <stdexcept>

#include <unistd.h>

#include <fmt/format.h>

namespace lab::host {

std::string handed_password(int descriptor) {
  std::string password;
  char next = 0;
  for (;;) {
    const ssize_t got = ::read(descriptor, &next, 1);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0 || next == '\n')
      break;
    password += next;
  }
  ::close(descriptor);
  if (password.empty())
    throw std::runtime_error(fmt::format("no password came through descriptor {}: --password-fd is "
                                         "for the agent",
                                         descriptor));
  return password;
}

} // namespace lab::host
