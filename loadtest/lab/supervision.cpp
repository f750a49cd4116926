#include "loadtest/lab/supervision.hpp"

#include <algorithm>
#include <csignal>

namespace lab::cli {

HostEnd::How HostEnd::how_of(int status, int signal, bool drained) {
  switch (signal) {
  case SIGKILL:
  case SIGTERM:
  case SIGINT:
  case SIGHUP:
    return How::from_outside;
  case 0:
    return status == 0 && drained ? How::from_outside : How::by_itself;
  default:
    return How::by_itself;
  }
}

NextStart RestartRule::after(const HostEnd &end) {
  const bool never_served = end.how == HostEnd::How::at_the_start;
  if (!never_served && end.lived >= recovered_after)
    restarts_running_ = 0;
  const int before = restarts_running_++;

  NextStart next;
  next.refuse = end.how == HostEnd::How::by_itself;
  next.safe = (next.refuse && !end.another) || before > 0;
  // The first restarts are at once; only what keeps failing is slowed down.
  const int failures = never_served ? before + 1 : before - 1;
  if (failures > 0)
    next.pause = std::min<std::chrono::milliseconds>(
        first_pause * (1 << std::min(failures - 1, 10)), longest_pause);
  return next;
}

} // namespace lab::cli
