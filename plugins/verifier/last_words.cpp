#include "plugins/verifier/last_words.hpp"

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <string>

#include <ucontext.h>

#include "plugins/loader/shown_text.hpp"

namespace lab::plugin {
namespace {

Channel *told = nullptr;

std::uintptr_t stack_pointer(const void *context) {
  const auto &machine = static_cast<const ucontext_t *>(context)->uc_mcontext;
#if defined(__x86_64__)
  return static_cast<std::uintptr_t>(machine.gregs[REG_RSP]);
#else
  return static_cast<std::uintptr_t>(machine.sp);
#endif
}

void on_fault(int, siginfo_t *info, void *context) {
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  const std::uintptr_t stack = stack_pointer(context);
  const std::uintptr_t distance = address > stack ? address - stack : stack - address;
  if (info->si_signo == SIGSEGV && address < 4096)
    told->note("a null pointer was used");
  else if (info->si_signo == SIGSEGV && distance < (1u << 20))
    told->note("the stack overflowed: endless recursion, or a very large local variable");
  // The handler is gone by SA_RESETHAND; the same instruction now kills.
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
  ::sigaction(SIGBUS, &action, nullptr);
  std::set_terminate(on_terminate);
}

} // namespace lab::plugin
