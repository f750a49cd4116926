#include "db/connection_share.hpp"

#include <algorithm>

namespace lab::db {

int pool_share(const ServerNumbers &numbers) {
  int free = numbers.max_connections - numbers.reserved - (numbers.total - numbers.lab);
  if (numbers.login_limit >= 0)
    free = std::min(free, numbers.login_limit - (numbers.login_total - numbers.lab));
  if (numbers.database_limit >= 0)
    free = std::min(free, numbers.database_limit - (numbers.database_total - numbers.lab));
  const int other_than_pool = std::max(besides_the_pool, numbers.lab - numbers.ours);
  return std::max(1, free / 2 - other_than_pool);
}

} // namespace lab::db
