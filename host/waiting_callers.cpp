#include "host/waiting_callers.hpp"

#include <utility>

#include <poll.h>

namespace lab::host {

void WaitingCallers::add(pool::RequestId request, Caller caller, pool::Time now) {
  if (caller.socket >= 0)
    waits_.insert_or_assign(request, Wait{request, caller.socket, now});
}

void WaitingCallers::remove(pool::RequestId request) {
  if (!waits_.empty())
    waits_.erase(request);
}

bool WaitingCallers::end(const Wait &wait) {
  return waits_.erase(wait.request) > 0;
}

std::vector<WaitingCallers::Wait> WaitingCallers::all() const {
  std::vector<Wait> all;
  all.reserve(waits_.size());
  for (const auto &[request, wait] : waits_)
    all.push_back(wait);
  return all;
}

std::vector<WaitingCallers::Wait> WaitingCallers::gone_of(std::vector<Wait> waits) {
  if (waits.empty())
    return waits;
  std::vector<pollfd> polled;
  polled.reserve(waits.size());
  for (const Wait &wait : waits)
    polled.push_back({wait.socket, POLLRDHUP, 0});
  std::vector<Wait> gone;
  if (::poll(polled.data(), polled.size(), 0) <= 0)
    return gone;
  for (std::size_t i = 0; i < polled.size(); ++i)
    if ((polled[i].revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0)
      gone.push_back(waits[i]);
  return gone;
}

} // namespace lab::host
