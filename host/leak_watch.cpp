#include "host/leak_watch.hpp"

namespace lab::host {

bool LeakWatch::suspect(pool::ConnectionId connection, const SuspectedLeak &leak) {
  if (!leaks_.emplace(connection, leak).second)
    return false;
  ++suspected_;
  return true;
}

} // namespace lab::host
