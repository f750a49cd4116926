#include "host/leak_watch.hpp"

#include <algorithm>

namespace lab::host {

bool LeakWatch::suspect(pool::ConnectionId connection, const SuspectedLeak &leak) {
  if (!leaks_.emplace(connection, leak).second)
    return false;
  ++suspected_;
  return true;
}

void LeakWatch::given_back(pool::ConnectionId connection) {
  if (!leaks_.empty())
    leaks_.erase(connection);
}

std::vector<pool::ConnectionId> LeakWatch::reclaim() {
  std::vector<pool::ConnectionId> all;
  for (const auto &[connection, leak] : leaks_)
    all.push_back(connection);
  reclaimed_ += all.size();
  leaks_.clear();
  return all;
}

LeakWatch::Counts LeakWatch::counts() const {
  Counts counts{limit_, suspected_, reclaimed_, {}};
  for (const auto &[connection, leak] : leaks_)
    counts.now.push_back(leak);
  std::sort(counts.now.begin(), counts.now.end(),
            [](const auto &a, const auto &b) { return a.since < b.since; });
  return counts;
}

} // namespace lab::host
