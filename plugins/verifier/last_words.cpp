#include "plugins/verifier/last_words.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>
#include <tuple>

#include <dlfcn.h>
#include <execinfo.h>
#include <ucontext.h>

#include "plugins/loader/shown_text.hpp"
#include "plugins/loader/stopped_thread.hpp"
#include "plugins/verifier/confine.hpp"

namespace lab::plugin {
namespace {

Channel *told = nullptr;

// Where the library lies, once it is loaded. A handler can't look that up.
std::uintptr_t library_begin = 0, library_end = 0;

bool in_library(std::uintptr_t address) {
  return library_begin <= address && address < library_end;
}

std::uintptr_t stack_pointer(const void *context) {
  const auto &machine = static_cast<const ucontext_t *>(context)->uc_mcontext;
#if defined(__x86_64__)
  return static_cast<std::uintptr_t>(machine.gregs[REG_RSP]);
#else
  return static_cast<std::uintptr_t>(machine.sp);
#endif
}

// Where the signal came, if that is in the library, or the innermost call that it made.
void tell_place(const void *context) {
  const auto here = reinterpret_cast<std::uintptr_t>(program_counter(context));
  if (in_library(here))
    return told->place(here - library_begin);
  std::array<void *, 32> frames;
  const int count = ::backtrace(frames.data(), frames.size());
  for (int i = 0; i < count; ++i) {
    // It is where a call goes on afterwards: one byte after it.
    const auto call = reinterpret_cast<std::uintptr_t>(frames[static_cast<std::size_t>(i)]) - 1;
    if (in_library(call))
      return told->place(call - library_begin);
  }
}

// The C library's own words are plainer than the signal's name.
void tell_complaint() {
  const Complaint complaint = take_complaint();
  constexpr std::string_view advice = "; lab verify --sanitize would show where";
  std::array<char, std::tuple_size_v<Complaint> + advice.size()> line{};
  char *end = std::copy_n(complaint.data(), std::strlen(complaint.data()), line.data());
  if (tells_of_damage(complaint.data()))
    std::copy_n(advice.data(), advice.size(), end);
  if (line[0] != '\0')
    told->note(line.data());
}

void on_fault(int, siginfo_t *info, void *context) {
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  const std::uintptr_t stack = stack_pointer(context);
  const std::uintptr_t distance = address > stack ? address - stack : stack - address;
  if (info->si_signo == SIGSEGV && address < 4096)
    told->note("a null pointer was used");
  else if (info->si_signo == SIGSEGV && distance < (1u << 20))
    told->note("the stack overflowed: endless recursion, or a very large local variable");
  else if (info->si_signo == SIGABRT)
    tell_complaint();
  tell_place(context);
  // The handler is gone by SA_RESETHAND; the same instruction now kills. A trap is over.
  if (info->si_signo == SIGTRAP)
    ::raise(SIGTRAP);
}

// The kernel says so before it refuses; then the process goes the way the signal says.
void on_forbidden(int, siginfo_t *info, void *context) {
  told->note(forbidden_act(info->si_syscall));
  tell_place(context);
  ::signal(SIGSYS, SIG_DFL);
  sigset_t that;
  ::sigemptyset(&that);
  ::sigaddset(&that, SIGSYS);
  ::sigprocmask(SIG_UNBLOCK, &that, nullptr);
  ::raise(SIGSYS);
}

// "SUMMARY: AddressSanitizer: heap-buffer-overflow little.cpp:12 in look", the one line of a
// page that an author needs. The runtime, if there is one, calls this before it aborts.
void on_report(const char *report) {
  constexpr const char *start = "SUMMARY: AddressSanitizer: ";
  const char *found = std::strstr(report, start);
  if (found == nullptr)
    return;
  found += std::strlen(start);
  static std::array<char, 300> line{"memory was damaged: "};
  std::size_t length = std::strlen(line.data());
  for (; *found != '\0' && *found != '\n' && length + 1 < line.size(); ++found)
    line[length++] = *found;
  line[length] = '\0';
  told->note(line.data());
}

void listen_to_sanitizer() {
  using Listener = void (*)(const char *);
  if (void *set = ::dlsym(RTLD_DEFAULT, "__asan_set_error_report_callback"))
    reinterpret_cast<void (*)(Listener)>(set)(on_report);
}

[[noreturn]] void on_terminate() {
  std::string what =
      "std::terminate was called: a destroyed std::thread, or a throw in a destructor";
  if (const std::exception_ptr thrown = std::current_exception()) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception &e) {
      what = std::string("an exception that nobody caught: ") + e.what();
    } catch (...) {
      what = "an exception of an unknown type that nobody caught";
    }
  }
  told->note(shown_text(what).c_str());
  std::abort();
}

} // namespace

void library_lies_at(std::uintptr_t begin, std::uintptr_t end) {
  library_begin = begin;
  library_end = end;
}

void note_last_words_on(Channel &channel) {
  told = &channel;
  // A stack that overflowed can't carry the handler.
  static std::array<char, std::size_t{64} * 1024> own_stack;
  stack_t stack{};
  stack.ss_sp = own_stack.data();
  stack.ss_size = own_stack.size();
  ::sigaltstack(&stack, nullptr);
  struct sigaction action {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGSEGV, &action, nullptr);
  for (const int signal : {SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT})
    ::sigaction(signal, &action, nullptr);
  // The first call loads a library, which a handler must not.
  void *frame = nullptr;
  (void)::backtrace(&frame, 1);
  action.sa_sigaction = on_forbidden;
  ::sigaction(SIGSYS, &action, nullptr);
  std::set_terminate(on_terminate);
  listen_to_sanitizer();
}

} // namespace lab::plugin
