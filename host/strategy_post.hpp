// What the governor's thread, and whoever hands it orders, share.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "host/containment.hpp"
#include "host/pool/governor.hpp"
#include "host/pool/plan.hpp"
#include "host/strategy_service.hpp"

namespace lab::host {

// The strategy was stopped while it carried an order out. Its code, and so its copy, is kept for
// whoever looks for what went wrong.
class StoppedInOrder : public StrategyRefused {
public:
  explicit StoppedInOrder(const std::string &what) : StrategyRefused(Kind::refused, what) {}
};

// One governor thread and what it is told. Outlives the thread's parking.
struct StrategyService::Post {
  struct Pending {
    Order order;
    std::string culprit; // whose code the order runs
    std::promise<SwapResult> answer;
  };

  explicit Post(std::uint64_t seed) : governor(seed, watch) {}

  CallWatch watch;
  pool::Governor governor;                // [governor]
  int slow = 0;                           // [governor] looks running
  int failed = 0;                         // [governor]
  std::uint64_t told_of_slow_admit = 0;   // [governor] the generation
  pool::Time next_look{};                 // [governor]
  pool::Time last_look{};                 // [governor]
  pool::Plan plan;                        // [governor] in force
  std::optional<pool::Time> told_to_park; // [watchdog] since when, in a call that hangs
  bool unstoppable = false;               // [watchdog] it was told, and did not

  std::mutex mutex; // guards the rest; the pool's lock may be held when it is taken
  std::condition_variable wake;
  bool stop = false;
  bool closed = false; // contained: takes no more orders
  bool asked = false;
  std::deque<std::shared_ptr<Pending>> orders;
  std::shared_ptr<Pending> current;

  std::thread thread;
};

} // namespace lab::host
