// Small files that several processes share: locked, read and written whole.
// [any thread]
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace lab::cli {

// A lock on a file, held while the object lives and never longer than the
// process. The file is made when needed, and stays.
class FileLock {
public:
  // Nothing when someone else holds it. Throws SetUpFailed when the file can't
  // be made.
  static std::optional<FileLock> try_take(const std::filesystem::path &file);
  static FileLock wait_for(const std::filesystem::path &file);

  ~FileLock();
  FileLock(FileLock &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileLock &operator=(FileLock &&) = delete;

  // What stands in the file is the holder's, to say who it is.
  void write(std::string_view text) const;

private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

// Nothing when the file is absent or can't be read.
std::optional<std::string> text_of_file(const std::filesystem::path &file);

// Written aside and put in place whole, so that a reader never sees a half.
// Throws SetUpFailed.
void write_whole(const std::filesystem::path &file, std::string_view text);

} // namespace lab::cli
