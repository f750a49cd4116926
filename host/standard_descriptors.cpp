#include "host/standard_descriptors.hpp"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace lab::host {

void keep_standard_descriptors() {
  const int saved = errno;
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd)
    if (::fcntl(fd, F_GETFD) < 0) {
      const int lowest_free = ::open("/dev/null", O_RDWR | O_CLOEXEC);
      if (lowest_free > STDERR_FILENO) // another thread was given this one meanwhile
        ::close(lowest_free);
    }
  errno = saved;
}

} // namespace lab::host
