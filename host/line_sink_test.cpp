// The log goes on, whoever holds the lock of stderr.
#include "host/line_sink.hpp"
#include "host/test_waiting.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include <spdlog/logger.h>

namespace lab::host {
namespace {

TEST(LineSink, WritesEachLineWholeThoughStderrIsLocked) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const std::string text(300'000, 'x'); // more than a pipe holds
  ::flockfile(stderr);                  // as one that is parked inside printf
  auto logged = std::async(std::launch::async, [&] {
    spdlog::logger log("test", std::make_shared<LineSink>(pipe[1]));
    log.set_pattern("%l %v");
    log.info(text);
    ::close(pipe[1]);
  });
  std::string read;
  std::array<char, 4096> part{};
  for (ssize_t n = 0; (n = ::read(pipe[0], part.data(), part.size())) > 0;)
    read.append(part.data(), static_cast<std::size_t>(n));
  logged.get();
  ::funlockfile(stderr);
  ::close(pipe[0]);
  EXPECT_TRUE(read == "info " + text + "\n") << read.size();
}

std::atomic<int> signals{0};

// Whether a thread of this program sleeps, by what the kernel says of it; true, too, when it has
// ended.
bool sleeps(pid_t thread) {
  std::ifstream stat("/proc/self/task/" + std::to_string(thread) + "/stat");
  std::string line;
  if (!std::getline(stat, line))
    return true;
  const auto name_end = line.rfind(") ");
  return name_end != std::string::npos && line[name_end + 2] == 'S';
}

TEST(LineSink, WritesALineThoughASignalInterruptsIt) {
  struct sigaction action {}; // without SA_RESTART
  action.sa_handler = [](int) { ++signals; };
  struct sigaction before {};
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  // Full, so that the first byte of the line has to wait.
  const int flags = ::fcntl(pipe[1], F_GETFL);
  ASSERT_EQ(::fcntl(pipe[1], F_SETFL, flags | O_NONBLOCK), 0);
  const std::array<char, 4096> filling{};
  std::size_t filled = 0;
  for (ssize_t n = 0; (n = ::write(pipe[1], filling.data(), filling.size())) > 0;)
    filled += static_cast<std::size_t>(n);
  ASSERT_EQ(::fcntl(pipe[1], F_SETFL, flags), 0);

  std::atomic<pid_t> writer{0};
  std::thread logging([&] {
    spdlog::logger log("test", std::make_shared<LineSink>(pipe[1]));
    log.set_pattern("%l %v");
    writer = ::gettid();
    log.info("whole");
    ::close(pipe[1]);
  });
  EXPECT_TRUE(comes_true([&] { return writer != 0 && sleeps(writer); }));
  EXPECT_EQ(::pthread_kill(logging.native_handle(), SIGUSR1), 0);
  EXPECT_TRUE(comes_true([&] { return signals == 1 && sleeps(writer); }));

  std::string read;
  std::array<char, 4096> part{};
  for (ssize_t n = 0; (n = ::read(pipe[0], part.data(), part.size())) > 0;)
    read.append(part.data(), static_cast<std::size_t>(n));
  logging.join();
  ::close(pipe[0]);
  ::sigaction(SIGUSR1, &before, nullptr);
  EXPECT_EQ(read.substr(std::min(filled, read.size())), "info whole\n");
}

} // namespace
} // namespace lab::host
