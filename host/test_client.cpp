#include "host/test_client.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <fmt/format.h>

namespace lab::host {

TestClient::~TestClient() {
  close();
}

bool TestClient::open() {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port_);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const timeval patience{40, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const int at_once = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
  return ::connect(fd_, reinterpret_cast<const sockaddr *>(&to), sizeof to) == 0;
}

void TestClient::close() {
  if (fd_ >= 0)
    ::close(fd_);
  fd_ = -1;
}

Reply TestClient::http(const std::string &method, const std::string &path, const std::string &body,
                       const std::string &more_headers) {
  if (fd_ < 0 && !open()) {
    close();
    return {};
  }
  std::string request =
      fmt::format("{} {} HTTP/1.1\r\nHost: localhost:{}\r\n{}", method, path, port_, more_headers);
  if (!body.empty())
    request += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
  request += "\r\n" + body;
  if (::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    close();
    return {};
  }
  std::string got;
  char buffer[16384];
  for (;;) {
    if (const std::size_t end = got.find("\r\n\r\n"); end != std::string::npos) {
      const std::string head = got.substr(0, end + 2);
      const std::size_t at = head.find("Content-Length: ");
      const std::size_t length = at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
      if (got.size() >= end + 4 + length) {
        if (head.find("Connection: Close") != std::string::npos ||
            head.find("Connection: close") != std::string::npos)
          close();
        return {std::stoi(head.substr(9, 3)), head, got.substr(end + 4, length)};
      }
    }
    const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
    if (n <= 0) {
      close();
      return {};
    }
    got.append(buffer, static_cast<std::size_t>(n));
  }
}

} // namespace lab::host
