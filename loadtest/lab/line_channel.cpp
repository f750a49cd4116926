#include "loadtest/lab/line_channel.hpp"

#include <algorithm>

#include <Poco/Exception.h>
#include <Poco/Timespan.h>

namespace lab::cli {
namespace {

constexpr std::size_t longest_line = 1 << 20;

} // namespace

std::string read_line(Poco::Net::StreamSocket &socket, std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  std::string text;
  while (text.size() < longest_line) {
    const auto left =
        std::chrono::ceil<std::chrono::microseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0)
      throw Poco::TimeoutException("no whole line came");
    socket.setReceiveTimeout(Poco::Timespan(left.count()));
    char piece[4096];
    const int got = socket.receiveBytes(piece, sizeof piece);
    if (got <= 0)
      return text;
    text.append(piece, static_cast<std::size_t>(got));
    if (const auto end = text.find('\n'); end != std::string::npos)
      return text.substr(0, end);
  }
  return text;
}

void write_line(Poco::Net::StreamSocket &socket, const std::string &line) {
  socket.setSendTimeout(Poco::Timespan(2, 0));
  const std::string text = line + "\n";
  std::size_t sent = 0;
  while (sent < text.size())
    sent += static_cast<std::size_t>(
        std::max(0, socket.sendBytes(text.data() + sent, static_cast<int>(text.size() - sent))));
}

} // namespace lab::cli
