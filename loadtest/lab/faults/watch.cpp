#include "loadtest/lab/faults/watch.hpp"

#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>

#include <spdlog/spdlog.h>

#include "loadtest/lab/faults/in_force.hpp"

namespace lab::cli {

void FaultWatch::watch(const Places &places, const std::stop_token &stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  while (!stop.stop_requested()) {
    try {
      for (const std::string &line : undo_left_faults(places))
        spdlog::info("{}", line);
    } catch (const std::exception &e) { // a full disk: the next time
      spdlog::error("{}", e.what());
    }
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, std::chrono::milliseconds(500), [] { return false; });
  }
}

} // namespace lab::cli
