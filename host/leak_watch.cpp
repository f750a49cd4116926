#include "host/leak_watch.hpp"

namespace lab::host {

bool LeakWatch::suspect(pool::ConnectionId connection, const SuspectedLeak &leak) {
  if (!leaks_.emplace(connection, leak).second)
    return false;
  ++suspected_;
  return true;
}

std::vector<pool::ConnectionId> LeakWatch::take() {
  std::vector<pool::ConnectionId> all;
  for (const auto &[connection, leak] : leaks_)
    all.push_back(connection);
  leaks_.clear();
  return all;
}

} // namespace lab::host
