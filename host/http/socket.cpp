#include "host/http/socket.hpp"

#include <cerrno>

#include <Poco/Net/ServerSocketImpl.h>
#include <Poco/Net/StreamSocketImpl.h>

#include <poll.h>
#include <sys/socket.h>

namespace lab::host {
namespace {

using Poco::Net::SocketAddress;

class QuickStream : public Poco::Net::StreamSocketImpl {
public:
  explicit QuickStream(poco_socket_t socket) : StreamSocketImpl(socket) {
    here_ = StreamSocketImpl::address();
    there_ = StreamSocketImpl::peerAddress();
  }

  bool poll(const Poco::Timespan &timeout, int mode) override {
    pollfd one{sockfd(), 0, 0};
    if ((mode & SELECT_READ) != 0)
      one.events |= POLLIN;
    if ((mode & SELECT_WRITE) != 0)
      one.events |= POLLOUT;
    int ready = 0;
    do
      ready = ::poll(&one, 1, static_cast<int>(timeout.totalMilliseconds()));
    while (ready < 0 && errno == EINTR);
    return ready > 0;
  }
  SocketAddress address() override { return here_; }
  SocketAddress peerAddress() override { return there_; }

private:
  SocketAddress here_;
  SocketAddress there_;
};

class QuickListener : public Poco::Net::ServerSocketImpl {
public:
  SocketImpl *acceptConnection(SocketAddress &client) override {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    int accepted = 0;
    do
      accepted = ::accept4(sockfd(), reinterpret_cast<sockaddr *>(&from), &size, SOCK_CLOEXEC);
    while (accepted < 0 && errno == EINTR);
    if (accepted < 0)
      error(); // throws
    client = SocketAddress(reinterpret_cast<sockaddr *>(&from), size);
    return new QuickStream(accepted);
  }
};

// ServerSocket takes an implementation only from a class derived from it.
class QuickServerSocket : public Poco::Net::ServerSocket {
public:
  QuickServerSocket() : ServerSocket(new QuickListener, true) {}
};

} // namespace

Poco::Net::ServerSocket listen_on_loopback(std::uint16_t port, int backlog) {
  QuickServerSocket socket;
  // Reuse of the address, not of the port: two hosts on one port must not both succeed.
  socket.bind(SocketAddress("127.0.0.1", port), true, false);
  socket.listen(backlog);
  return socket;
}

} // namespace lab::host
