#include "db/open_files.hpp"

#include <algorithm>

namespace lab::db {

void allow_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return;
  limit.rlim_cur = std::max(limit.rlim_cur, std::min(limit.rlim_max, open_files_wanted));
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

} // namespace lab::db
