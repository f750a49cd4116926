// What one writes without a library: a mutex, a condition variable and a stack of
// free connections. Nobody's turn is kept: who comes along takes what lies there.
#include <condition_variable>
#include <mutex>
#include <vector>

#include "host/bench/measure.hpp"

namespace lab::bench {
namespace {

class MutexPool {
public:
  explicit MutexPool(int connections) {
    for (int i = 0; i < connections; ++i)
      idle_.push_back(i);
  }
  int acquire() {
    std::unique_lock lock(mutex_);
    freed_.wait(lock, [&] { return !idle_.empty(); });
    const int connection = idle_.back();
    idle_.pop_back();
    return connection;
  }
  void give_back(int connection) {
    {
      const std::lock_guard lock(mutex_);
      idle_.push_back(connection);
    }
    freed_.notify_one();
  }

private:
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<int> idle_;
};

class MutexContender : public Contender {
public:
  std::string name() const override { return "mutex"; }
  Measured run(const Slice &slice) override {
    MutexPool pool(slice.connections);
    return measure(slice, [&](auto held) {
      const int connection = pool.acquire();
      held();
      pool.give_back(connection);
    });
  }
};

} // namespace

std::unique_ptr<Contender> make_mutex() {
  return std::make_unique<MutexContender>();
}

} // namespace lab::bench
