// The gate: idle connections that anybody may take and give back without the pool's
// lock, while nobody waits.
//
// It is a stack of slot numbers (Treiber's) whose head is one word: whether the gate is
// shut, how many rest in it, which is on top, and a tag that differs after every change
// (against ABA). That "shut" stands in the same word is the whole trick. Who gives back
// either finds the gate open, and then whoever shuts it takes that connection along; or
// finds it shut, and goes to the pool, where somebody may wait for it. So no wake-up is
// lost between the two, without a fence of its own. And a newcomer, too, finds it shut
// while others wait: nobody is overtaken.
//
// `max_in_use` needs no counter: the core puts no more into the gate than that leaves
// room for, and withholds the rest.
//
// `Atomic` is std::atomic; a test passes one that stops before every access, to step
// through every interleaving (gate_test.cpp).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "pool_lab/strategy.h"

namespace lab::pool {

using SlotIndex = std::uint16_t;

template <template <class> class Atomic = std::atomic> class Gate {
public:
  // Begins shut, with nothing in it.
  Gate() : head_(shut_bit) {}

  // [any thread] The connection that came to rest last. Nothing: shut, or none rests.
  // What its last user wrote into its slot is seen by the taker.
  std::optional<SlotIndex> take() {
    std::uint64_t head = head_.load(std::memory_order_acquire);
    for (;;) {
      if ((head & shut_bit) != 0 || top(head) == none)
        return std::nullopt;
      const SlotIndex slot = top(head);
      // May be stale, if another took it meanwhile: then the tag differs, and the
      // exchange fails.
      const SlotIndex under = under_[slot].load(std::memory_order_relaxed);
      const std::uint64_t next = word(count(head) - 1, under, tag(head) + 1);
      if (head_.compare_exchange_weak(head, next, std::memory_order_acq_rel,
                                      std::memory_order_acquire)) {
        note(fewest_, next, [](auto now, auto seen) { return now < seen; });
        return slot;
      }
    }
  }

  // [any thread, whoever took it] Puts it on top. False: the gate is shut.
  bool put(SlotIndex slot) {
    std::uint64_t head = head_.load(std::memory_order_relaxed);
    for (;;) {
      if ((head & shut_bit) != 0)
        return false;
      under_[slot].store(top(head), std::memory_order_relaxed);
      const std::uint64_t next = word(count(head) + 1, slot, tag(head) + 1);
      if (head_.compare_exchange_weak(head, next, std::memory_order_acq_rel,
                                      std::memory_order_relaxed)) {
        note(most_, next, [](auto now, auto seen) { return now > seen; });
        return true;
      }
    }
  }

  // [pool lock held] Opens it with `oldest_first`, which may be empty. It is shut.
  void open(const std::vector<SlotIndex> &oldest_first, std::size_t from) {
    SlotIndex under = none;
    for (std::size_t i = from; i < oldest_first.size(); ++i) {
      under_[oldest_first[i]].store(under, std::memory_order_relaxed);
      under = oldest_first[i];
    }
    const auto resting = static_cast<std::uint32_t>(oldest_first.size() - from);
    const std::uint64_t head = word(resting, under, tag(head_.load(std::memory_order_relaxed)) + 1);
    fewest_.store(head, std::memory_order_relaxed);
    most_.store(head, std::memory_order_relaxed);
    head_.store(head, std::memory_order_release);
    open_ = true;
  }

  // [pool lock held] Shuts it, and appends what rested in it, oldest first.
  void shut(std::vector<SlotIndex> &oldest_first) {
    if (!open_)
      return;
    open_ = false;
    const std::uint64_t head = head_.fetch_or(shut_bit, std::memory_order_acq_rel);
    // From here on nobody changes it: every exchange expects it to be open.
    const std::size_t before = oldest_first.size();
    oldest_first.resize(before + count(head));
    SlotIndex slot = top(head);
    for (std::size_t i = oldest_first.size(); i > before; --i) {
      oldest_first[i - 1] = slot;
      slot = under_[slot].load(std::memory_order_relaxed);
    }
    head_.store(word(0, none, tag(head) + 1) | shut_bit, std::memory_order_relaxed);
  }

  // [pool lock held]
  bool is_open() const { return open_; }
  std::uint32_t resting() const { return count(head_.load(std::memory_order_acquire)); }

  // [pool lock held] The fewest and the most that rested at once since it was opened. While
  // it is open, one that is just being noted may be missing.
  std::uint32_t fewest() const { return count(fewest_.load(std::memory_order_relaxed)); }
  std::uint32_t most() const { return count(most_.load(std::memory_order_relaxed)); }

private:
  static constexpr SlotIndex none = 0xFFF;
  static_assert(POOL_LAB_MAX_SIZE < none);

  // The word: 1 bit shut, 12 bits count, 12 bits top, 39 bits tag.
  static constexpr std::uint64_t shut_bit = 1ULL << 63;
  static constexpr int count_at = 51;
  static constexpr int top_at = 39;
  static constexpr std::uint64_t tag_mask = (1ULL << top_at) - 1;
  static std::uint64_t word(std::uint32_t count, SlotIndex top, std::uint64_t tag) {
    return (static_cast<std::uint64_t>(count) << count_at) |
           (static_cast<std::uint64_t>(top) << top_at) | (tag & tag_mask);
  }
  static std::uint32_t count(std::uint64_t head) { return (head >> count_at) & 0xFFF; }
  static SlotIndex top(std::uint64_t head) { return (head >> top_at) & 0xFFF; }
  static std::uint64_t tag(std::uint64_t head) { return head & tag_mask; }

  // Tags grow by one, and begin anew after 150 hours at a million a second.
  static bool is_before(std::uint64_t tag, std::uint64_t other) {
    return ((tag - other) & tag_mask) > tag_mask / 2;
  }

  // Written only when an extreme is passed, so that the line stays shared. Who is late, and notes
  // what it did to an earlier opening, is known by its tag.
  template <class Beyond>
  static void note(Atomic<std::uint64_t> &extreme, std::uint64_t head, Beyond beyond) {
    std::uint64_t seen = extreme.load(std::memory_order_relaxed);
    while (!is_before(tag(head), tag(seen)) && beyond(count(head), count(seen)) &&
           !extreme.compare_exchange_weak(seen, word(count(head), none, tag(seen)),
                                          std::memory_order_relaxed)) {
    }
  }

  alignas(64) Atomic<std::uint64_t> head_;
  // As the head was when it was opened, but for the count.
  alignas(64) Atomic<std::uint64_t> fewest_{0};
  Atomic<std::uint64_t> most_{0};
  bool open_ = false; // [pool lock held]
  std::array<Atomic<SlotIndex>, POOL_LAB_MAX_SIZE> under_{};
};

} // namespace lab::pool
