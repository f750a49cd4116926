// Tells whether a file was saved since it was looked at: file events don't come from every
// file system. [any thread]
#pragma once

#include <cstdint>
#include <filesystem>

#include <sys/stat.h>

namespace lab::cli {

// One file (or folder) as it is; all zero when there is none. By the time of the last change
// of any kind, so that a file whose mode was mended, or an older one that was put in its
// place, is seen as well.
struct FileStamp {
  std::uint64_t inode = 0;
  std::int64_t seconds = 0;
  std::int64_t nanoseconds = 0;
  std::int64_t size = 0;
  bool operator==(const FileStamp &) const = default;

  static FileStamp of(const std::filesystem::path &path) {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0)
      return {};
    return {found.st_ino, found.st_ctim.tv_sec, found.st_ctim.tv_nsec, found.st_size};
  }
};

} // namespace lab::cli
