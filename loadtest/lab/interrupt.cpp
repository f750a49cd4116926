#include "loadtest/lab/interrupt.hpp"

#include <csignal>

#include <pthread.h>
#include <unistd.h>

#include "loadtest/lab/exit_status.hpp"

namespace lab::cli {
namespace {

// USR1 ends the waiting thread; nobody else sends it.
sigset_t waited_for() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1})
    sigaddset(&signals, signal);
  return signals;
}

} // namespace

Interrupt::Interrupt() {
  const sigset_t signals = waited_for();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  thread_ = std::thread([this] { wait_for_signals(); });
}

Interrupt::~Interrupt() {
  pthread_kill(thread_.native_handle(), SIGUSR1);
  thread_.join();
  const sigset_t signals = waited_for();
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

void Interrupt::wait_for_signals() {
  const sigset_t signals = waited_for();
  for (int signal = 0; sigwait(&signals, &signal) == 0 && signal != SIGUSR1;) {
    if (came())
      ::_exit(static_cast<int>(Exit::interrupted));
    stop_.request_stop();
  }
}

} // namespace lab::cli
