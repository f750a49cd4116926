// The neighbour against a PostgreSQL that is played: it reads the start-up
// message and refuses, as a full server does.
#include "loadtest/neighbour.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <string>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>

namespace lab::load {
namespace {

using namespace std::chrono_literals;
using Clock = Neighbour::Clock;

std::string fresh_folder() {
  std::string path = (std::filesystem::temp_directory_path() / "neighbour-XXXXXX").string();
  EXPECT_NE(mkdtemp(path.data()), nullptr);
  return path;
}

// Refuses every connect with the given SQLSTATE.
class RefusingServer {
public:
  explicit RefusingServer(const std::string &sqlstate)
      : folder_(fresh_folder()), listener_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = folder_ + "/.s.PGSQL.5432";
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr *>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    const char zero = 0; // ends each field, and the message
    const std::string fields =
        fmt::format("SFATAL{0}VFATAL{0}C{1}{0}Mtoo many clients{0}{0}", zero, sqlstate);
    const std::uint32_t size = htonl(static_cast<std::uint32_t>(fields.size() + 4));
    error_.assign(1, 'E');
    error_.append(reinterpret_cast<const char *>(&size), sizeof size).append(fields);
    thread_ = std::jthread([this](std::stop_token stop) { serve(stop); });
  }
  ~RefusingServer() {
    thread_.request_stop();
    thread_.join();
    close(listener_);
    std::filesystem::remove_all(folder_);
  }

  std::string conninfo() const {
    return fmt::format("host={} dbname=lab user=lab_neighbour sslmode=disable", folder_);
  }
  int seen() const { return seen_; }

private:
  void serve(const std::stop_token &stop) {
    while (!stop.stop_requested()) {
      pollfd ready{listener_, POLLIN, 0};
      if (poll(&ready, 1, 20) != 1)
        continue;
      const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      char startup[1024];
      if (recv(client, startup, sizeof startup, 0) > 0)
        send(client, error_.data(), error_.size(), MSG_NOSIGNAL);
      close(client);
      ++seen_;
    }
  }

  std::string folder_;
  int listener_;
  std::string error_;
  std::atomic<int> seen_{0};
  std::jthread thread_;
};

template <class Condition> bool within(std::chrono::seconds limit, Condition condition) {
  const Clock::time_point end = Clock::now() + limit;
  while (!condition()) {
    if (Clock::now() >= end)
      return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

TEST(Neighbour, AFullServerIsARefusal) {
  RefusingServer server("53300");
  Neighbour neighbour(server.conninfo(), 5ms, Clock::now(), Clock::now() + 1min);
  ASSERT_TRUE(within(10s, [&] { return server.seen() >= 10; }));
  const NeighbourCount count = neighbour.stop();
  EXPECT_GE(count.tried, 10);
  EXPECT_EQ(count.refused, count.tried);
  EXPECT_EQ(count.failed, 0);
}

TEST(Neighbour, AnythingElseIsAFailure) {
  RefusingServer server("57P03"); // it is starting up
  Neighbour neighbour(server.conninfo(), 5ms, Clock::now(), Clock::now() + 1min);
  ASSERT_TRUE(within(10s, [&] { return server.seen() >= 5; }));
  const NeighbourCount count = neighbour.stop();
  EXPECT_EQ(count.refused, 0);
  EXPECT_EQ(count.failed, count.tried);
}

TEST(Neighbour, TriesOutsideTheMeasuredTimeDontCount) {
  RefusingServer server("53300");
  Neighbour neighbour(server.conninfo(), 5ms, Clock::now() + 1h, Clock::now() + 2h);
  ASSERT_TRUE(within(10s, [&] { return server.seen() >= 5; }));
  EXPECT_EQ(neighbour.stop().tried, 0);
}

} // namespace
} // namespace lab::load
