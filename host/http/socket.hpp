// Poco's server sockets with three system calls a request instead of eight.
//
// Stock StreamSocketImpl::poll makes, fills and closes an epoll descriptor on
// every call, and the server asks for both addresses on every request. Here
// poll is poll(2) and the addresses are asked for once.
#pragma once

#include <cstdint>

#include <Poco/Net/ServerSocket.h>

namespace lab::host {

// Listens on 127.0.0.1. Throws Poco::Net::NetException (port in use, ...).
Poco::Net::ServerSocket listen_on_loopback(std::uint16_t port, int backlog);

} // namespace lab::host
