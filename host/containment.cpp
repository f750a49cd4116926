#include "host/containment.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <exception>

#include <execinfo.h>
#include <malloc.h>
#include <semaphore.h>
#include <unistd.h>

#include <fmt/format.h>

#include "host/standard_descriptors.hpp"
#include "plugins/loader/mapping.hpp"
#include "plugins/loader/shown_text.hpp"
#include "plugins/loader/stopped_thread.hpp"

namespace lab::host {
namespace {

constexpr std::size_t signal_stack_size = std::size_t{64} * 1024;

sem_t something_parked;

// Initial-exec: reading it in a signal handler allocates nothing.
[[gnu::tls_model("initial-exec")]] thread_local CallWatch *watch_of_this_thread = nullptr;

std::chrono::nanoseconds clock_time(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

std::int64_t steady_now() {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

void block_all_but_faults() {
  sigset_t others;
  ::sigfillset(&others);
  for (const int signal : plugin::fault_signals)
    ::sigdelset(&others, signal);
  ::pthread_sigmask(SIG_SETMASK, &others, nullptr);
}

void on_signal(int signal, siginfo_t *, void *context) {
  const int saved = errno;
  if (CallWatch *watch = CallWatch::of_this_thread())
    watch->fault(signal, context); // does not return when the thread is in a call
  if (signal != plugin::park_signal()) {
    // Not in a strategy: the host itself has failed, and must be seen to.
    ::signal(signal, SIG_DFL);
    ::raise(signal);
  }
  errno = saved;
}

[[noreturn]] void on_terminate() {
  if (CallWatch *watch = CallWatch::of_this_thread())
    watch->fault(SIGABRT, nullptr);
  std::abort();
}

const char *signal_name(int signal) {
  switch (signal) {
  case SIGSEGV:
    return "SIGSEGV: it touched memory that is not its own, or its stack overflowed";
  case SIGBUS:
    return "SIGBUS: it touched memory that is not there";
  case SIGFPE:
    return "SIGFPE: an integer division by zero";
  case SIGILL:
    return "SIGILL: an instruction that does not exist";
  case SIGTRAP:
    return "SIGTRAP: a trap";
  default:
    return "SIGABRT: abort, a failed assertion or an exception nobody caught";
  }
}

} // namespace

CallWatch *CallWatch::of_this_thread() noexcept {
  return watch_of_this_thread;
}

void CallWatch::attach() {
  thread_ = ::pthread_self();
  // A stack overflow leaves no room for a handler on the thread's own stack.
  signal_stack_ = std::malloc(signal_stack_size);
  stack_t stack{};
  stack.ss_sp = signal_stack_;
  stack.ss_size = signal_stack_size;
  ::sigaltstack(&stack, nullptr);
  watch_of_this_thread = this;
}

void CallWatch::detach() {
  watch_of_this_thread = nullptr;
  stack_t off{};
  off.ss_flags = SS_DISABLE;
  ::sigaltstack(&off, nullptr);
  std::free(signal_stack_);
}

void CallWatch::enter(const char *call) {
  cpu_at_start_ = clock_time(CLOCK_THREAD_CPUTIME_ID);
  call_.store(call, std::memory_order_relaxed);
  since_.store(steady_now(), std::memory_order_release);
}

void CallWatch::leave() {
  since_.store(0, std::memory_order_release);
  keep_standard_descriptors();
  cpu_in_calls_ += clock_time(CLOCK_THREAD_CPUTIME_ID) - cpu_at_start_;
}

void CallWatch::fault(int signal, const void *context) noexcept {
  const std::int64_t since = since_.load(std::memory_order_acquire);
  if (since == 0)
    return;
  // It was meant for the call before this one, which came back after all.
  if (signal == plugin::park_signal() && since != hung_since_.load(std::memory_order_acquire))
    return;
  if (first_signal_ == 0) {
    first_signal_ = signal;
    // Where a return address leads nowhere, looking for frames is a fault of its own. It must
    // come here again: one that is blocked ends the process.
    block_all_but_faults();
    note_frames(context);
  }
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
  if (first_signal_ == SIGABRT)
    complaint_ = plugin::take_complaint();
  keep_standard_descriptors(); // `leave` never comes
  parked_signal_.store(first_signal_, std::memory_order_release);
  ::sem_post(&something_parked);
  for (;;)
    ::pause();
}

void CallWatch::note_frames(const void *context) noexcept {
  frames_[0] = plugin::program_counter(context);
  frame_count_ = 1; // all there is, should `backtrace` not come back
  const int callers = ::backtrace(frames_.data() + 1, most_frames - 1);
  for (int i = 1; i <= callers; ++i) // where a call goes on afterwards is one byte after it
    frames_[static_cast<std::size_t>(i)] =
        static_cast<char *>(frames_[static_cast<std::size_t>(i)]) - 1;
  frame_count_ = 1 + callers;
}

std::string CallWatch::what(const std::filesystem::path &folder) const {
  const std::string call = this->call();
  std::string where;
  for (int i = 0; i < frame_count_ && where.empty(); ++i) {
    const auto code = plugin::code_address(frames_[static_cast<std::size_t>(i)]);
    const std::filesystem::path file = code ? code->path : "";
    if (code && file.parent_path() == folder)
      where = fmt::format(", at {:#x} of {}", code->offset, file.filename().string());
  }
  if (parked_signal_.load() == plugin::park_signal())
    return "hung in " + call + ": it did not come back within a second" + where;
  if (complaint_[0] != '\0')
    return fmt::format("crashed in {} (SIGABRT: {}){}", call, plugin::shown_text(complaint_.data()),
                       where);
  return "crashed in " + call + " (" + signal_name(parked_signal_.load()) + ")" + where;
}

bool CallWatch::damaged_memory() const {
  return plugin::tells_of_damage(complaint_.data());
}

std::chrono::nanoseconds CallWatch::in_call_for() const {
  const std::int64_t since = since_.load(std::memory_order_acquire);
  return std::chrono::nanoseconds(since == 0 ? 0 : steady_now() - since);
}

bool CallWatch::park_hung(std::chrono::nanoseconds longer_than) {
  const std::int64_t since = since_.load(std::memory_order_acquire);
  if (since == 0 || std::chrono::nanoseconds(steady_now() - since) <= longer_than)
    return false;
  hung_since_.store(since, std::memory_order_release);
  ::pthread_kill(thread_, plugin::park_signal());
  return true;
}

void install_containment() {
  ::sem_init(&something_parked, 0, 0);
  // The first call loads a library, which a handler must not.
  void *frame = nullptr;
  (void)::backtrace(&frame, 1);
  // A thread parked inside malloc keeps its arena locked; with arenas enough,
  // no other thread is ever given that one.
  ::mallopt(M_ARENA_MAX, 1000);
  struct sigaction action {};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  ::sigemptyset(&action.sa_mask);
  for (const int signal : plugin::fault_signals)
    ::sigaction(signal, &action, nullptr);
  ::sigaction(plugin::park_signal(), &action, nullptr);
  std::set_terminate(on_terminate);
}

void wait_for_parking(std::chrono::milliseconds limit) {
  timespec until{};
  ::clock_gettime(CLOCK_MONOTONIC, &until);
  const auto ns = std::chrono::nanoseconds(until.tv_nsec) + limit;
  until.tv_sec += std::chrono::duration_cast<std::chrono::seconds>(ns).count();
  until.tv_nsec = (ns % std::chrono::seconds(1)).count();
  (void)::sem_clockwait(&something_parked, CLOCK_MONOTONIC, &until);
}

void wake_watchdog() {
  ::sem_post(&something_parked);
}

} // namespace lab::host
