// A client that has sent its request, "POST /jobs", and not read its answer yet: for tests.
// [one thread]
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

#include "host/test_host.hpp"

namespace lab::host {

class SilentClient {
public:
  SilentClient(const TestHost &host, const std::string &body) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(host.port());
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr *>(&to), sizeof to) != 0)
      throw std::runtime_error("a client can't connect");
    const std::string request = fmt::format("POST /jobs HTTP/1.1\r\nHost: localhost\r\n"
                                            "Content-Type: application/json\r\n"
                                            "Content-Length: {}\r\n\r\n{}",
                                            body.size(), body);
    (void)!::send(fd_, request.data(), request.size(), MSG_NOSIGNAL);
  }
  SilentClient(SilentClient &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  SilentClient &operator=(SilentClient &&) = delete;
  ~SilentClient() {
    if (fd_ >= 0)
      ::close(fd_);
  }

  // Sends no more, and reads to the end what the host has to say.
  std::string half_close_and_read() {
    ::shutdown(fd_, SHUT_WR);
    const timeval patience{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    std::string got;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::recv(fd_, buffer, sizeof buffer, 0)) > 0;)
      got.append(buffer, static_cast<std::size_t>(n));
    return got;
  }

private:
  int fd_ = -1;
};

} // namespace lab::host
