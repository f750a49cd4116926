// A pool that is measured: ours, or one of those it is compared with.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/bench/wait_histogram.hpp"

namespace lab::bench {

// What is recorded of each acquire. It costs two reads of the clock, so speed is
// measured without.
enum class Record {
  nothing,
  waits,  // how long each took
  moments // when each asked, and when it got its connection
};

// One measurement: `threads` take a connection, hold it, give it back, over and over.
struct Slice {
  int connections = 10;
  int threads = 1;
  std::chrono::milliseconds length{500};
  std::chrono::milliseconds hold{0}; // with Record::moments; else given back at once
  Record record = Record::nothing;
};

// Of one acquire, on the steady clock.
struct Moment {
  std::chrono::nanoseconds asked;
  std::chrono::nanoseconds got;
};

struct Measured {
  std::chrono::nanoseconds took{};       // the first thread's start to the last one's end
  std::vector<std::uint64_t> operations; // of each thread
  WaitHistogram waits;                   // unless nothing was recorded
  std::vector<Moment> moments;           // by thread; Record::moments only
  std::uint64_t retries = 0;             // pools that never wait: how often they said no

  // The pool's own word on the same acquires, exact, where it has one.
  std::optional<std::vector<Moment>> by_the_pool;

  std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t n : operations)
      sum += n;
    return sum;
  }
  double per_second() const {
    return static_cast<double>(total()) / std::chrono::duration<double>(took).count();
  }
};

class Contender { // [one thread at a time]
public:
  Contender() = default;
  virtual ~Contender() = default;
  Contender(const Contender &) = delete;
  Contender &operator=(const Contender &) = delete;

  virtual std::string name() const = 0;
  // All `connections` are open when the time begins.
  virtual Measured run(const Slice &slice) = 0;
  // How long each kind of slice is run beforehand, unmeasured.
  virtual std::chrono::milliseconds warm_up() const { return std::chrono::milliseconds(50); }
  // Whether a request waits its turn; one that doesn't has no place among held connections.
  virtual bool waits() const { return true; }
};

std::unique_ptr<Contender> make_ours();   // a private PostgreSQL starts with its first slice
std::unique_ptr<Contender> make_hikari(); // a Java virtual machine starts with its first slice
std::unique_ptr<Contender> make_soci();
std::unique_ptr<Contender> make_poco();
std::unique_ptr<Contender> make_mutex();

} // namespace lab::bench
