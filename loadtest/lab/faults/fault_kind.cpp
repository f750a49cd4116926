#include "loadtest/lab/faults/fault_kind.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace lab::cli {

void FaultAtWork::last(Time until, const std::stop_token &stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_until(lock, stop, until, [] { return false; });
}

const std::vector<FaultKind> &fault_kinds() {
  static const std::vector<FaultKind> all = [] {
    std::vector<FaultKind> kinds;
    for (auto group : {faults_of_the_server(), faults_of_its_connections(), faults_of_the_hosts()})
      for (FaultKind &kind : group)
        kinds.push_back(std::move(kind));
    return kinds;
  }();
  return all;
}

const FaultKind &fault_named(const std::string &name) {
  return *std::find_if(fault_kinds().begin(), fault_kinds().end(),
                       [&](const FaultKind &kind) { return kind.name == name; });
}

} // namespace lab::cli
