// The log goes on, whoever holds the lock of stderr.
#include "host/line_sink.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <future>
#include <memory>
#include <string>

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

} // namespace
} // namespace lab::host
