// Containment: a fault inside a strategy ends the strategy's thread, not the host.
//
// While a governor is inside a call into a library, a fault there (a bad
// address, a division by zero, abort, an uncaught exception, a stack overflow)
// parks the thread where it stands: nothing is unwound, no lock is touched, the
// processor is given back, and the watchdog is told. A call that hangs is
// parked the same way, by a signal that the watchdog sends. On any other
// thread the signals keep their usual effect.
//
// What this can't do: undo damage to the heap, or stop `_exit`. The agent
// restarts a host that ends of those.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>

#include <pthread.h>

#include "host/pool/governor.hpp"
#include "plugins/loader/stopped_thread.hpp"

namespace lab::host {

// Where one governor thread stands. Lives as long as its thread, so for ever
// once that is parked.
class CallWatch : public pool::CallGuard {
public:
  // [governor] Ties this watch to the calling thread; gives it a stack for signals.
  void attach();
  void detach();

  void enter(const char *call) override; // [governor]
  // [governor] Whatever the call did to them, the standard descriptors are taken after it.
  void leave() override;

  // ---- [watchdog] ----
  bool parked() const { return parked_signal_.load(std::memory_order_acquire) != 0; }
  // What happened, when parked: "crashed in look (SIGSEGV), at 0x11a9 of mine.7.so". The
  // address is the innermost in a file of `folder`, where the copies are that were loaded.
  std::string what(const std::filesystem::path &folder) const;
  // The call that it was in last, as `enter` was told.
  const char *call() const { return call_.load(std::memory_order_relaxed); }
  // Whether the C library found the heap or a stack damaged: the host can't be trusted then.
  bool damaged_memory() const;
  // In a call, and since when (on steady_clock); zero when not.
  std::chrono::nanoseconds in_call_for() const;
  // Parks the thread where its call has taken longer than that: answers whether it told it to. It
  // is parked once `parked` says so, or never: the call may come back first.
  bool park_hung(std::chrono::nanoseconds longer_than);

  // [governor] Processor time of this thread inside all calls so far.
  std::chrono::nanoseconds cpu_in_calls() const { return cpu_in_calls_; }

  // For the signal handler only: parks if this thread is in a call.
  // `context`: the signal's own, null when there is none.
  void fault(int signal, const void *context) noexcept;
  static CallWatch *of_this_thread() noexcept;

private:
  std::atomic<const char *> call_{nullptr};
  std::atomic<std::int64_t> since_{0};
  std::atomic<std::int64_t> hung_since_{0}; // the `since_` of the call that was told to park
  std::atomic<int> parked_signal_{0};
  plugin::Complaint complaint_{}; // written before `parked_signal_`
  static constexpr int most_frames = 32;
  std::array<void *, most_frames>
      frames_{}; // where it stands, the innermost first: at each, its own code
  int frame_count_ = 0;
  int first_signal_ = 0; // of those that came in this call, one after the other
  void note_frames(const void *context) noexcept;
  pthread_t thread_{};
  std::chrono::nanoseconds cpu_at_start_{};
  std::chrono::nanoseconds cpu_in_calls_{};
  void *signal_stack_ = nullptr;
};

// Installs the signal and terminate handlers. Once, at the program's start,
// before any thread.
void install_containment();

// Waits until some thread was parked, at most `limit`. [watchdog]
void wait_for_parking(std::chrono::milliseconds limit);
// Ends that wait early. [any thread]
void wake_watchdog();

} // namespace lab::host
