#include "plugins/verifier/footprint.hpp"

#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <malloc.h>
#include <sys/wait.h>

namespace lab::plugin {
namespace {

std::size_t entries(const char *folder) {
  std::size_t count = 0;
  std::error_code ignored;
  for (std::filesystem::directory_iterator it(folder, ignored), end; !ignored && it != end;
       it.increment(ignored))
    ++count;
  return count;
}

} // namespace

Footprint Footprint::take() {
  Footprint now;
  now.threads = entries("/proc/self/task");
  now.files = entries("/proc/self/fd");
  const auto heap = ::mallinfo2();
  now.heap = heap.uordblks + heap.hblkhd;
  now.standard_files = true;
  for (int fd = 0; fd <= 2; ++fd)
    if (::fcntl(fd, F_GETFD) < 0)
      now.standard_files = false;
  siginfo_t info{};
  now.children = ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
  return now;
}

FaultHandlers FaultHandlers::take() {
  const auto handler_of = [](int signal) {
    struct sigaction action {};
    ::sigaction(signal, nullptr, &action);
    // The two kinds of handler share one union; the bits are what is compared.
    return action.sa_handler;
  };
  FaultHandlers now;
  for (std::size_t i = 0; i < fault_signals.size(); ++i)
    now.handlers.at(i) = handler_of(fault_signals.at(i));
  now.handlers.back() = handler_of(park_signal());
  return now;
}

} // namespace lab::plugin
