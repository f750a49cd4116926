#include "loadtest/lab/bug_report/new_file.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "loadtest/lab/exit_status.hpp"

namespace lab::cli {
namespace {

bool all_written(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ::fsync(fd) == 0 || errno == EINVAL || errno == EROFS; // a pipe can't, and need not
}

[[noreturn]] void fail(const std::filesystem::path &file, int error, std::string_view otherwise) {
  if (error == EEXIST)
    throw SetUpFailed(
        fmt::format("{} is there already, and is left as it is; {}", file.string(), otherwise));
  const char *first = error == ENOSPC || error == EDQUOT ? "free some space on that disk, or "
                      : error == ENOENT                  ? "make its folder first, or "
                                                         : "";
  throw SetUpFailed(fmt::format("{} can't be written: {}; {}{}", file.string(),
                                std::strerror(error), first, otherwise));
}

} // namespace

void write_new_file(const std::filesystem::path &file, std::string_view text,
                    std::string_view otherwise) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    fail(file, errno, otherwise);
  const int error = all_written(fd, text) ? 0 : errno;
  const bool closed = ::close(fd) == 0;
  if (error == 0 && closed)
    return;
  const int why = error != 0 ? error : errno;
  ::unlink(file.c_str());
  fail(file, why == 0 ? ENOSPC : why, otherwise);
}

} // namespace lab::cli
