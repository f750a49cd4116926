#include "db/private_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace lab::db {

void fail_with_errno(const std::filesystem::path &path, const char *what) {
  const int error = errno;
  const char *advice = error == ENOSPC    ? ": free some space on that disk and try again"
                       : error == EACCES  ? ": set LAB_HOME to a folder that you may write in"
                       : error == EROFS   ? ": set LAB_HOME to a folder that can be written"
                       : error == ENOTDIR ? ": remove what stands in its place"
                                          : "";
  throw std::runtime_error(
      fmt::format("{} {}: {}{}", path.string(), what, std::strerror(error), advice));
}

std::string text_of_file(const std::filesystem::path &path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file)
    throw std::runtime_error(fmt::format("{} can't be read", path.string()));
  return text.str();
}

void write_private_file(const std::filesystem::path &path, std::string_view text,
                        const LabUser &user) {
  const std::filesystem::path aside = path.string() + ".new";
  ::unlink(aside.c_str());
  const int fd = ::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    fail_with_errno(aside, "can't be written");
  errno = ENOSPC; // what a short write means
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       (user.uid == ::geteuid() || ::fchown(fd, user.uid, user.gid) == 0) &&
                       ::fsync(fd) == 0;
  if (::close(fd) != 0 || !written || ::rename(aside.c_str(), path.c_str()) != 0)
    fail_with_errno(path, "can't be written");
}

} // namespace lab::db
