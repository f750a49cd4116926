#include "db/log_file.hpp"

#include <system_error>

#include <sys/stat.h>

namespace lab::db {

void begin_log(const std::filesystem::path &file) {
  struct stat found {};
  if (::lstat(file.c_str(), &found) != 0 || !S_ISREG(found.st_mode) ||
      static_cast<std::uintmax_t>(found.st_size) <= longest_log)
    return;
  std::error_code grows_on;
  std::filesystem::rename(file, file.string() + ".1", grows_on);
}

} // namespace lab::db
