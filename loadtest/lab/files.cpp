#include "loadtest/lab/files.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <fmt/format.h>

#include "loadtest/lab/disk_space.hpp"
#include "loadtest/lab/exit_status.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;

int open_to_lock(const fs::path &file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) {
    const int error = errno;
    const char *advice = error == ENOSPC   ? "free some space on that disk and try again"
                         : error == ENOENT ? "run scripts/lab up, which makes its folder"
                         : error == EROFS  ? "its disk can only be read"
                                           : "call the lab as the user who made it";
    throw SetUpFailed(
        fmt::format("{} can't be opened: {}; {}", file.string(), std::strerror(error), advice));
  }
  return fd;
}

} // namespace

std::optional<FileLock> FileLock::try_take(const fs::path &file) {
  FileLock lock(open_to_lock(file));
  if (::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0)
    return std::nullopt;
  return lock;
}

FileLock FileLock::wait_for(const fs::path &file) {
  FileLock lock(open_to_lock(file));
  while (::flock(lock.fd_, LOCK_EX) != 0)
    if (errno != EINTR)
      throw SetUpFailed(fmt::format("{} can't be locked: {}", file.string(), std::strerror(errno)));
  return lock;
}

FileLock::~FileLock() {
  if (fd_ >= 0)
    ::close(fd_);
}

void FileLock::write(std::string_view text) const {
  if (::ftruncate(fd_, 0) != 0 ||
      ::pwrite(fd_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    throw SetUpFailed(fmt::format("a lock file of the lab can't be written: {}; free some space on "
                                  "the disk of LAB_HOME and LAB_WORK and try again",
                                  std::strerror(errno)));
}

std::optional<std::string> text_of_file(const fs::path &file) {
  std::ifstream in(file, std::ios::binary);
  if (!in)
    return std::nullopt;
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return text;
}

void write_whole(const fs::path &file, std::string_view text) {
  const fs::path aside = file.string() + ".new";
  std::error_code problem;
  {
    std::ofstream out(aside, std::ios::binary | std::ios::trunc);
    out << text;
    out.close();
    if (!out) {
      const std::string why = std::strerror(errno);
      fs::remove(aside, problem); // what stood there before is whole, and stays
      throw SetUpFailed(
          fmt::format("{} can't be written: {}{}", file.string(), why, advice_on_room(why)));
    }
  }
  fs::rename(aside, file, problem);
  if (problem)
    throw SetUpFailed(fmt::format("{} can't be written: {}", file.string(), problem.message()));
}

} // namespace lab::cli
