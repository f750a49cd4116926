#include "loadtest/lab/authoring/trial.hpp"

#include <chrono>
#include <stdexcept>
#include <system_error>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "db/child.hpp"
#include "db/lab_user.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "plugins/loader/find.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// Where whoever tries it may read it, though the original lies where only root may.
class Copy {
public:
  Copy(const Places &places, const std::string &name, const fs::path &library) {
    const fs::path folder = places.home() / "tried";
    try {
      fs::create_directories(folder);
      fs::permissions(folder, readable);
      path_ = plugin::copy_under_fresh_name(library, folder, name,
                                            static_cast<std::uint64_t>(::getpid()));
      fs::permissions(path_, readable);
    } catch (const std::exception &e) {
      throw SetUpFailed(fmt::format("{} can't be tried: {}", name, e.what()));
    }
  }
  ~Copy() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  Copy(const Copy &) = delete;
  Copy &operator=(const Copy &) = delete;

  const fs::path &path() const { return path_; }

private:
  static constexpr fs::perms readable = fs::perms::owner_all | fs::perms::group_read |
                                        fs::perms::group_exec | fs::perms::others_read |
                                        fs::perms::others_exec;
  fs::path path_;
};

// The runtime of the address sanitizer has to be there before all else.
std::string sanitizer_runtime() {
  const auto asked = db::run({.argv = {"g++", "-print-file-name=libasan.so"}}, 10s);
  std::string path = asked.output.substr(0, asked.output.find('\n'));
  if (!asked.well() || !fs::path(path).is_absolute())
    throw SetUpFailed("--sanitize needs the address sanitizer of g++: apt-get install g++");
  return fs::canonical(path);
}

// "my/strategies/little.cpp:12 in Little::look(...)"; "" where that is not known.
std::string source_line(const fs::path &library, std::uintptr_t place) {
  try {
    const auto asked = db::run(
        {.argv = {"addr2line", "-C", "-f", "-e", library.string(), fmt::format("{:#x}", place)}},
        10s);
    const std::size_t end = asked.output.find('\n');
    if (!asked.well() || end == std::string::npos)
      return "";
    const std::string function = asked.output.substr(0, end);
    std::string line = asked.output.substr(end + 1);
    line = line.substr(0, line.find_first_of(" \n"));
    if (line.empty() || line[0] == '?')
      return "";
    return fmt::format("{} in {}", shown_path(line), function);
  } catch (const std::runtime_error &) { // binutils come with the compiler; without, no line
    return "";
  }
}

} // namespace

plugin::Verdict tried(const Places &places, const std::string &name, const fs::path &library,
                      Build how) {
  const Copy copy(places, name, library);
  plugin::VerifyOptions options;
  if (how == Build::sanitized) {
    options.preload = sanitizer_runtime();
    options.wall_limit = 20s; // it slows all down
  }
  if (::geteuid() == 0) {
    const db::LabUser user = db::lab_user();
    options.run_as = {{user.uid, user.gid}};
  }
  plugin::Verdict verdict = plugin::verify(places.program("lab_verify"), copy.path(), options);
  if (verdict.place)
    if (const std::string line = source_line(library, *verdict.place); !line.empty())
      verdict.what += "; at " + line;
  return verdict;
}

} // namespace lab::cli
