#include "host/pool/simulation/campaign.hpp"

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "host/pool/simulation/schedule.hpp"

namespace lab::pool::simulation {

Found run_schedules(std::uint64_t seed, std::uint64_t schedules, int events, unsigned threads) {
  Found found;
  std::mutex mutex; // guards `found`
  std::atomic<std::uint64_t> next{0};
  std::atomic<std::uint64_t> end{schedules};
  const auto work = [&] {
    Coverage coverage;
    std::uint64_t run = 0;
    for (;;) {
      const std::uint64_t i = next.fetch_add(1);
      if (i >= end.load())
        break;
      Schedule schedule(seed + i, events);
      const std::string what = schedule.run(coverage);
      ++run;
      if (what.empty())
        continue;
      const std::lock_guard lock(mutex);
      end = std::min(end.load(), i); // those before it are finished by the others
      if (!found.broken || seed + i < found.broken->seed)
        found.broken = {seed + i, schedule.events_told(), what};
    }
    const std::lock_guard lock(mutex);
    found.coverage.add(coverage);
    found.schedules += run;
  };
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < threads; ++i)
    others.emplace_back(work);
  work();
  others.clear();
  return found;
}

std::string replay(std::uint64_t seed, int events) {
  Coverage coverage;
  std::string trace;
  Schedule schedule(seed, events);
  (void)schedule.run(coverage, &trace);
  return trace;
}

} // namespace lab::pool::simulation
