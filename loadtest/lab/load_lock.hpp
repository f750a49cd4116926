// One load at a time: whoever runs one holds this lock, and says in it who it is.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "loadtest/lab/files.hpp"
#include "loadtest/lab/process.hpp"

namespace lab::cli {

class LoadLock {
public:
  // Throws SetUpFailed when another has it: who, and what to do. [any thread]
  static LoadLock take(const std::filesystem::path &file, const std::string &command);

  ~LoadLock();
  LoadLock(LoadLock &&other) noexcept : lock_(std::move(other.lock_)) { other.lock_.reset(); }
  LoadLock &operator=(LoadLock &&) = delete;

  // Who has it now, without touching it: looking must not make another's try
  // fail. [any thread, any process]
  struct Owner {
    ProcessId process;
    std::string command; // "lab compare"
    std::string since;   // "14:03:05"
  };
  static std::optional<Owner> owner(const std::filesystem::path &file);

private:
  explicit LoadLock(FileLock lock) : lock_(std::move(lock)) {}
  std::optional<FileLock> lock_;
};

} // namespace lab::cli
