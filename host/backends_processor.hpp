// How much of the processors PostgreSQL's sessions use, where they are on this machine: from
// /proc, so without asking the server. [one thread at a time]
#pragma once

#include <map>
#include <optional>
#include <vector>

#include <sys/types.h>

#include "host/pool/time.hpp"

namespace lab::host {

class BackendsProcessor {
public:
  // In cores, since the call before, of those that were there then too. Nothing: it is the first
  // call, or none of them can be seen.
  std::optional<double> cores(const std::vector<pid_t> &backends, pool::Time now);

private:
  std::map<pid_t, double> seconds_; // used since they began
  pool::Time at_{};
};

} // namespace lab::host
