#include "plugins/loader/find.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/core.h>

#include "plugins/loader/shown_text.hpp"

namespace lab::plugin {
namespace {

namespace fs = std::filesystem;

constexpr off_t largest_file = 64 << 20;

std::string reason(int error) {
  return std::generic_category().message(error);
}

// Closes what it holds; -1 is nothing.
class Descriptor {
public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;
  int get() const { return fd_; }

private:
  int fd_;
};

std::vector<fs::path> libraries_in(const fs::path &folder) {
  std::vector<fs::path> files;
  std::error_code ignored; // a folder that is missing or can't be read holds nothing
  fs::directory_iterator entry(folder, ignored);
  while (!ignored && entry != fs::directory_iterator()) {
    std::error_code gone; // a file may vanish between the listing and the look
    if (entry->path().extension() == ".so" && entry->is_regular_file(gone))
      files.push_back(entry->path());
    entry.increment(ignored);
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool same_file_state(const struct stat &a, const struct stat &b) {
  return a.st_size == b.st_size && a.st_ino == b.st_ino && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

void copy_bytes(int from, int to) {
  std::array<char, 1 << 16> buffer;
  for (;;) {
    const ssize_t got = ::read(from, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      throw std::runtime_error("can't be read: " + reason(errno));
    if (got == 0)
      return;
    for (ssize_t done = 0; done < got;) {
      const ssize_t put = ::write(to, buffer.data() + done, static_cast<std::size_t>(got - done));
      if (put < 0 && errno != EINTR)
        throw std::runtime_error("its private copy can't be written: " + reason(errno));
      done += std::max<ssize_t>(put, 0);
    }
  }
}

} // namespace

bool valid_name(std::string_view name) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  if (name.empty() || name.size() > 64 || !lower(name[0]))
    return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return lower(c) || (c >= '0' && c <= '9') || c == '_'; });
}

std::vector<Found> find_strategies(const std::vector<fs::path> &folders) {
  std::vector<Found> all;
  for (std::size_t folder = 0; folder < folders.size(); ++folder) {
    for (const fs::path &path : libraries_in(folders[folder])) {
      Found found{path.stem().string(), path, folder, std::nullopt};
      const auto earlier = std::find_if(all.begin(), all.end(), [&](const Found &other) {
        return other.name == found.name && !other.problem;
      });
      if (!valid_name(found.name)) {
        found.name = shown_text(found.name, 80);
        found.problem =
            fmt::format("the name \"{}\" can't be used: rename the file; a name has 1 to "
                        "64 of a-z, 0-9 and _, and begins with a letter",
                        found.name);
      } else if (earlier != all.end()) {
        found.problem = fmt::format("the name \"{}\" is taken by {}: rename this file", found.name,
                                    shown_text(earlier->path.string()));
      }
      all.push_back(std::move(found));
    }
  }
  return all;
}

std::optional<Found> find_strategy(const std::vector<fs::path> &folders, std::string_view name) {
  if (!valid_name(name))
    return std::nullopt;
  for (Found &found : find_strategies(folders))
    if (found.name == name && !found.problem)
      return std::move(found);
  return std::nullopt;
}

fs::path copy_under_fresh_name(const fs::path &source, const fs::path &copies,
                               std::string_view name, std::uint64_t generation) {
  const std::string who = shown_text(source.filename().string());
  if (!valid_name(name))
    throw std::runtime_error(
        fmt::format("{}: \"{}\" is no name of a strategy", who, shown_text(name, 80)));

  // Without O_NONBLOCK a named pipe in the folder would hold us for ever.
  const Descriptor from(::open(source.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat before {};
  if (from.get() < 0 || ::fstat(from.get(), &before) != 0)
    throw std::runtime_error(fmt::format("{} can't be read: {}", who, reason(errno)));
  if (!S_ISREG(before.st_mode))
    throw std::runtime_error(fmt::format("{} is not a file", who));
  if (before.st_size > largest_file)
    throw std::runtime_error(
        fmt::format("{} has {} MB: a strategy may have 64", who, before.st_size >> 20));

  // The name says whose it is; the six random letters make it fresh, also when
  // an earlier host left its copies behind.
  std::string made = (copies / fmt::format("{}.{}.XXXXXX.so", name, generation)).string();
  const Descriptor to(::mkostemps(made.data(), 3, O_CLOEXEC));
  if (to.get() < 0)
    throw std::runtime_error(fmt::format("{}: its private copy can't be made in {}: {}", who,
                                         shown_text(copies.string()), reason(errno)));
  try {
    copy_bytes(from.get(), to.get());
    struct stat after {};
    // A compiler that writes just now would give us half a library.
    if (::fstat(from.get(), &after) != 0 || !same_file_state(before, after))
      throw std::runtime_error(
          "changed while it was copied: wait for the build to end, then use it again");
    if (::fchmod(to.get(), 0500) != 0)
      throw std::runtime_error("its private copy can't be made executable: " + reason(errno));
  } catch (const std::runtime_error &error) {
    ::unlink(made.c_str());
    throw std::runtime_error(fmt::format("{} {}", who, error.what()));
  }
  return made;
}

} // namespace lab::plugin
