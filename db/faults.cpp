#include "db/faults.hpp"
#include "db/cluster_processes.hpp"

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

namespace lab::db {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

pid_t running_postmaster(const PrivatePostgres &postgres) {
  const auto pid = postgres.pid();
  if (!pid)
    throw std::runtime_error(*postgres.problem());
  return *pid;
}

} // namespace

void kill_server(const PrivatePostgres &postgres) {
  ::kill(running_postmaster(postgres), SIGKILL); // first, so that it starts no others
  const auto deadline = Clock::now() + 10s;
  for (;;) {
    const auto left = processes_in(postgres.data());
    if (left.empty())
      return;
    for (const pid_t pid : left)
      ::kill(pid, SIGKILL);
    if (Clock::now() > deadline)
      throw std::runtime_error(
          fmt::format("process {} of PostgreSQL does not end though it was killed", left.front()));
    std::this_thread::sleep_for(10ms);
  }
}

Freeze::Freeze(const PrivatePostgres &postgres) : postgres_(postgres) {
  ::kill(running_postmaster(postgres), SIGSTOP); // first, so that it starts no others
  for (const pid_t pid : processes_in(postgres.data()))
    ::kill(pid, SIGSTOP);
}

Freeze::~Freeze() {
  thaw(postgres_);
}

void thaw(const PrivatePostgres &postgres) {
  for (const pid_t pid : processes_in(postgres.data()))
    ::kill(pid, SIGCONT);
}

} // namespace lab::db
