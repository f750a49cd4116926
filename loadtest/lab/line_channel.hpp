// One line in, one line out, over a stream socket. [one thread at a time]
#pragma once

#include <chrono>
#include <string>

#include <Poco/Net/StreamSocket.h>

namespace lab::cli {

// Without its end; what came so far when the other side closes. Throws
// Poco::TimeoutException when it is not there within `limit`.
std::string read_line(Poco::Net::StreamSocket &socket, std::chrono::milliseconds limit);

void write_line(Poco::Net::StreamSocket &socket, const std::string &line);

} // namespace lab::cli
