// How many connections the lab takes on a server that others use too: at most
// half of what is free. [any thread]
#pragma once

#include "db/monitor.hpp"

namespace lab::db {

// The most that one host's pool may have open, from the monitor's numbers: half of
// what the lab would find free if it weren't there (of the server, of its login and
// of its database, whichever is least), rounded down, less what the lab needs or
// has besides the pool. At least 1. It moves as others come and go.
int pool_share(const ServerNumbers &numbers);

// Besides a pool: the monitor, the neighbour application of a load, and one for
// whatever looks or resets.
inline constexpr int besides_the_pool = 3;

} // namespace lab::db
