#include "host/line_sink.hpp"

#include <cerrno>
#include <string_view>

#include <unistd.h>

namespace lab::host {

void LineSink::sink_it_(const spdlog::details::log_msg &message) {
  spdlog::memory_buf_t line;
  formatter_->format(message, line);
  std::string_view rest(line.data(), line.size());
  while (!rest.empty()) {
    const ssize_t written = ::write(fd_, rest.data(), rest.size());
    if (written >= 0)
      rest.remove_prefix(static_cast<std::size_t>(written));
    else if (errno != EINTR)
      return; // there is no place to complain
  }
}

} // namespace lab::host
