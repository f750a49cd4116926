// One slice in this process: threads begin together at a barrier, each repeats a
// cycle until it is told to stop. hikari/Slices.java does the same in Java.
#pragma once

#include <atomic>
#include <barrier>
#include <chrono>
#include <thread>
#include <vector>

#include "host/bench/contender.hpp"

namespace lab::bench {

// `cycle(held)` acquires, calls `held()`, and gives back. [as many threads as the slice says]
template <class Cycle> Measured measure(const Slice &slice, Cycle cycle) {
  using Clock = std::chrono::steady_clock;
  const auto now = [] {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch());
  };

  struct alignas(128) Tally { // apart, so that no thread writes into another's cache line
    std::chrono::nanoseconds began{};
    std::chrono::nanoseconds ended{};
    std::uint64_t operations = 0;
    WaitHistogram waits;
    std::vector<Moment> moments;
  };
  std::vector<Tally> tallies(static_cast<std::size_t>(slice.threads));
  alignas(128) std::atomic<bool> stop{false};
  std::barrier together(slice.threads + 1);

  const auto repeat = [&](Tally &tally, auto held) {
    together.arrive_and_wait();
    tally.began = now();
    std::uint64_t operations = 0;
    for (; !stop.load(std::memory_order_relaxed); ++operations)
      held();
    tally.ended = now();
    tally.operations = operations;
  };
  const auto run = [&](Tally &tally) {
    switch (slice.record) {
    case Record::nothing:
      return repeat(tally, [&] { cycle([] {}); });
    case Record::waits:
      return repeat(tally, [&] {
        const auto asked = now();
        cycle([&] { tally.waits.record(now() - asked); });
      });
    case Record::moments:
      tally.moments.reserve(1U << 16);
      return repeat(tally, [&] {
        const auto asked = now();
        cycle([&] {
          tally.moments.push_back({asked, now()});
          std::this_thread::sleep_for(slice.hold);
        });
      });
    }
  };

  std::vector<std::jthread> threads;
  for (Tally &tally : tallies)
    threads.emplace_back([&] { run(tally); });
  together.arrive_and_wait();
  std::this_thread::sleep_for(slice.length);
  stop = true;
  threads.clear();

  Measured measured;
  auto began = tallies.front().began;
  auto ended = tallies.front().ended;
  for (const Tally &tally : tallies) {
    began = std::min(began, tally.began);
    ended = std::max(ended, tally.ended);
    measured.operations.push_back(tally.operations);
    measured.waits.merge(tally.waits);
    for (const Moment &moment : tally.moments)
      measured.waits.record(moment.got - moment.asked);
    measured.moments.insert(measured.moments.end(), tally.moments.begin(), tally.moments.end());
  }
  measured.took = ended - began;
  return measured;
}

} // namespace lab::bench
