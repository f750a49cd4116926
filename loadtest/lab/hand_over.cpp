#include "loadtest/lab/hand_over.hpp"

#include <set>
#include <system_error>

#include "loadtest/lab/files.hpp"

namespace lab::cli {

namespace fs = std::filesystem;

namespace {

bool same_build(const fs::path &original, const fs::path &copy) {
  std::error_code problem;
  return fs::exists(copy, problem) &&
         fs::file_size(original, problem) == fs::file_size(copy, problem) &&
         fs::last_write_time(original, problem) == fs::last_write_time(copy, problem) && !problem;
}

} // namespace

void hand_over_strategies(const Places &places) {
  const auto one_at_a_time = FileLock::wait_for(places.home() / "my.lock");
  const auto all_may_read = fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec |
                            fs::perms::others_read | fs::perms::others_exec;
  std::set<fs::path> names;
  std::error_code problem;
  for (const auto &file : fs::directory_iterator(places.my_strategies(), problem)) {
    std::error_code skip;
    if (file.path().extension() != ".so" || !file.is_regular_file(skip))
      continue;
    names.insert(file.path().filename());
    const auto copy = places.handed_over() / file.path().filename();
    if (same_build(file.path(), copy))
      continue;
    const fs::path aside = copy.string() + ".new";
    const auto built = fs::last_write_time(file.path(), skip);
    if (fs::copy_file(file.path(), aside, fs::copy_options::overwrite_existing, skip)) {
      fs::permissions(aside, all_may_read, skip);
      fs::last_write_time(aside, built, skip);
      fs::rename(aside, copy, skip);
    }
  }
  for (const auto &copy : fs::directory_iterator(places.handed_over(), problem)) {
    std::error_code skip;
    if (!names.contains(copy.path().filename()))
      fs::remove(copy.path(), skip);
  }
}

} // namespace lab::cli
