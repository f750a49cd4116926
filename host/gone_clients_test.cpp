// A client that goes away while its request waits for a connection: nobody is
// served in its place, and nothing is written for it.
#include "host/test_host.hpp"
#include "host/test_waiting.hpp"

#include <chrono>
#include <functional>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <pqxx/connection_base>
#include <pqxx/nontransaction>
#include <pqxx/result>

namespace lab::host {
namespace {

using namespace std::chrono_literals;

// A client that has sent its request and not read its answer yet.
class Client {
public:
  Client(const TestHost &host, const std::string &body) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(host.port());
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr *>(&to), sizeof to) != 0)
      throw std::runtime_error("a client can't connect");
    const std::string request = fmt::format("POST /jobs HTTP/1.1\r\nHost: localhost\r\n"
                                            "Content-Type: application/json\r\n"
                                            "Content-Length: {}\r\n\r\n{}",
                                            body.size(), body);
    (void)!::send(fd_, request.data(), request.size(), MSG_NOSIGNAL);
  }
  Client(Client &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Client &operator=(Client &&) = delete;
  ~Client() {
    if (fd_ >= 0)
      ::close(fd_);
  }

  // Sends no more, and reads to the end what the host has to say.
  std::string half_close_and_read() {
    ::shutdown(fd_, SHUT_WR);
    const timeval patience{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    std::string got;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::recv(fd_, buffer, sizeof buffer, 0)) > 0;)
      got.append(buffer, static_cast<std::size_t>(n));
    return got;
  }

private:
  int fd_ = -1;
};

nlohmann::json pool_of(const TestHost &host) {
  return host.http("GET", "/api/v1/pool").json();
}

int jobs_marked(const std::string &mark) {
  const auto admin = db::TestPostgres::shared().connect_admin();
  pqxx::nontransaction count(admin->raw());
  return count.exec("SELECT count(*) FROM jobs WHERE payload->>'mark' = '" + mark + "'")[0][0]
      .as<int>();
}

const std::string with_mark = R"({"type":"send_email","payload":{"mark":"gone"}})";
const std::string last_one = R"({"type":"send_email","payload":{"mark":"there"}})";

TEST(GoneClients, AreCancelledAndTheNextOneIsServedAsSoonAsTheHolderGivesBack) {
  const TestHost host({}, "bounded_timeout", {"--set", "max=1", "--set", "wait_ms=60000"});
  auto holder = std::async(std::launch::async, [&] {
    return host.http("POST", "/lab/hold", R"({"kind":"submit","hold_ms":4000})").status;
  });
  ASSERT_TRUE(comes_true([&] { return pool_of(host)["in_use"] == 1; }));
  std::vector<Client> clients;
  for (int i = 0; i < 20; ++i)
    clients.emplace_back(host, with_mark);
  ASSERT_TRUE(comes_true([&] { return pool_of(host)["waiting"] == 20; }));

  clients.clear();
  EXPECT_TRUE(comes_true([&] { return pool_of(host)["counts"]["cancelled"] == 20; }, 1s));
  EXPECT_EQ(pool_of(host)["waiting"], 0);
  EXPECT_EQ(pool_of(host)["in_use"], 1) << "the holder holds all the while";

  const Reply next = host.http("POST", "/jobs", last_one);
  EXPECT_EQ(next.status, 201) << next.body;
  EXPECT_EQ(holder.get(), 200);
  EXPECT_EQ(jobs_marked("there"), 1);
  EXPECT_EQ(jobs_marked("gone"), 0);

  const auto end = pool_of(host);
  EXPECT_EQ(end["counts"]["connects"], 1) << "none was opened for those that left";
  for (const auto &[code, count] : end["requests"].items())
    EXPECT_EQ(count, code == "ok" ? 2 : 0) << code << ": nobody was there to fail";
  const std::string metrics = host.http("GET", "/metrics").body;
  EXPECT_NE(metrics.find(R"(pool_lab_pool_events_total{event="cancelled"} 20)"), std::string::npos);
  EXPECT_NE(metrics.find(R"(status_code="499"} 20)"), std::string::npos);
}

// As nginx has it: who sends no more is taken to be gone.
TEST(GoneClients, OneThatIsHalfClosedCountsAsGoneAndHearsNothing) {
  const TestHost host({}, "bounded_timeout", {"--set", "max=1", "--set", "wait_ms=60000"});
  auto holder = std::async(std::launch::async, [&] {
    return host.http("POST", "/lab/hold", R"({"kind":"submit","hold_ms":1500})").status;
  });
  ASSERT_TRUE(comes_true([&] { return pool_of(host)["in_use"] == 1; }));
  Client client(host, R"({"type":"send_email","payload":{"mark":"half"}})");
  ASSERT_TRUE(comes_true([&] { return pool_of(host)["waiting"] == 1; }));
  EXPECT_EQ(client.half_close_and_read(), "");
  EXPECT_EQ(holder.get(), 200);
  EXPECT_EQ(jobs_marked("half"), 0);
}

} // namespace
} // namespace lab::host
