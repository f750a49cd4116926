#include "loadtest/lab/secret_pipe.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

namespace lab::cli {

SecretPipe::SecretPipe(const std::string &secret) {
  if (secret.empty())
    return;
  int ends[2];
  // Not blocking: nobody reads before all of it is written, and a pipe holds 64 KB.
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
    throw std::runtime_error(fmt::format("no pipe to the host: {}", std::strerror(errno)));
  reading_ = ends[0];
  const std::string line = secret + "\n";
  const bool written =
      ::write(ends[1], line.data(), line.size()) == static_cast<ssize_t>(line.size());
  ::close(ends[1]);
  if (!written) {
    ::close(reading_);
    throw std::runtime_error("the database's password is too long to be handed over");
  }
}

SecretPipe::~SecretPipe() {
  if (reading_ >= 0)
    ::close(reading_);
}

} // namespace lab::cli
