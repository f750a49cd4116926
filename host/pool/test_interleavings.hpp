// Runs a few threads through every order of their accesses to shared atomics, or through
// those in which a thread is interrupted a few times at most, where there are too many (as
// CHESS does: few interruptions find nearly every mistake).
//
// The threads are fibers on one real thread. `Stepped` stands in for std::atomic, and
// hands over before every access; an explorer tries each choice of who goes on, depth
// first, and starts anew for each order. Orders of memory are taken as sequentially
// consistent: what weaker orders may do is the thread sanitizer's to find. [one thread]
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <ucontext.h>

namespace lab::pool {

class Interleavings {
public:
  using Thread = std::function<void()>;

  explicit Interleavings(unsigned most_interruptions) : most_interruptions_(most_interruptions) {}

  // `set_up` makes fresh threads over fresh shared state; `check` looks at the outcome.
  // Answers how many orders there are.
  std::uint64_t explore(const std::function<std::vector<Thread>()> &set_up,
                        const std::function<void()> &check) {
    std::uint64_t orders = 0;
    choices_.clear();
    do {
      run(set_up());
      check();
      ++orders;
    } while (next_order());
    return orders;
  }

  // Before an access: somebody else may come first.
  static void step() {
    if (running_ != nullptr)
      running_->hand_over();
  }

private:
  struct Fiber {
    ucontext_t context{};
    std::unique_ptr<std::array<char, 65536>> stack = std::make_unique<std::array<char, 65536>>();
    Thread work;
    bool over = false;
  };
  struct Choice {
    std::size_t taken;
    std::size_t among;
  };

  void run(std::vector<Thread> threads) {
    fibers_.resize(threads.size());
    for (std::size_t i = 0; i < threads.size(); ++i) {
      Fiber &fiber = fibers_[i];
      fiber.work = std::move(threads[i]);
      fiber.over = false;
      ::getcontext(&fiber.context);
      fiber.context.uc_stack.ss_sp = fiber.stack->data();
      fiber.context.uc_stack.ss_size = fiber.stack->size();
      fiber.context.uc_link = &explorer_;
      ::makecontext(&fiber.context, &Interleavings::enter, 0);
    }
    std::vector<Fiber *> able;
    unsigned interruptions = 0;
    for (std::size_t step = 0;; ++step) {
      // The one who runs comes first, so that the first choice is no interruption.
      const bool goes_on = step > 0 && !current_->over;
      able.clear();
      if (goes_on)
        able.push_back(current_);
      if (!goes_on || interruptions < most_interruptions_)
        for (Fiber &fiber : fibers_)
          if (!fiber.over && !(goes_on && &fiber == current_))
            able.push_back(&fiber);
      if (able.empty())
        return;
      if (step == choices_.size())
        choices_.push_back({0, able.size()});
      if (goes_on && choices_[step].taken > 0)
        ++interruptions;
      current_ = able.at(choices_[step].taken);
      running_ = this;
      ::swapcontext(&explorer_, &current_->context);
      running_ = nullptr;
    }
  }

  bool next_order() {
    while (!choices_.empty() && choices_.back().taken + 1 == choices_.back().among)
      choices_.pop_back();
    if (choices_.empty())
      return false;
    ++choices_.back().taken;
    return true;
  }

  void hand_over() { ::swapcontext(&current_->context, &explorer_); }

  static void enter() {
    Fiber &fiber = *running_->current_;
    fiber.work();
    fiber.over = true;
  }

  const unsigned most_interruptions_;
  static inline Interleavings *running_ = nullptr;
  ucontext_t explorer_{};
  std::vector<Fiber> fibers_;
  Fiber *current_ = nullptr;
  std::vector<Choice> choices_;
};

// Like std::atomic, as far as the gate needs it.
template <class T> class Stepped {
public:
  Stepped(T value = {}) : value_(value) {} // NOLINT: as std::atomic's

  T load(std::memory_order = std::memory_order_seq_cst) const {
    Interleavings::step();
    return value_;
  }
  void store(T value, std::memory_order = std::memory_order_seq_cst) {
    Interleavings::step();
    value_ = value;
  }
  T fetch_or(T bits, std::memory_order = std::memory_order_seq_cst) {
    Interleavings::step();
    const T before = value_;
    value_ = static_cast<T>(value_ | bits);
    return before;
  }
  bool compare_exchange_weak(T &expected, T desired, std::memory_order = std::memory_order_seq_cst,
                             std::memory_order = std::memory_order_seq_cst) {
    Interleavings::step();
    if (value_ == expected) {
      value_ = desired;
      return true;
    }
    expected = value_;
    return false;
  }

private:
  T value_;
};

} // namespace lab::pool
