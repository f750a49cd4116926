// How many files this process may have open: sockets are files, and the usual
// 1,024 are too few for a host or a generator under a wide load.
#pragma once

#include <sys/resource.h>

namespace lab::db {

inline constexpr rlim_t open_files_wanted = 8192;
inline constexpr rlim_t open_files_needed = 2000;

// As many as wanted, as far as this user's hard limit allows. [before threads]
void allow_open_files();

} // namespace lab::db
