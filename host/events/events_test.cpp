// Whoever watches sees what happens at once, costs no thread, and can't hurt.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/StreamSocket.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "host/events/event_stream.hpp"
#include "host/test_host.hpp"

namespace lab::host {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using SteadyClock = std::chrono::steady_clock;

TestHost &host() {
  static TestHost the_host;
  return the_host;
}

struct Seen {
  std::string id, type;
  json data;
};

// Time and again a beat is due and an event waits, both.
TEST(EventStream, ABeatKeepsNoEventBack) {
  const Clock clock;
  EventLog log(clock, 5000);
  EventStream stream(log, 1ms);
  Poco::Net::ServerSocket door(Poco::Net::SocketAddress("127.0.0.1", 0));
  Poco::Net::StreamSocket viewer;
  viewer.connect(door.address());
  ASSERT_TRUE(stream.add(door.acceptConnection(), 0));
  constexpr int events = 3000;
  std::thread happening([&] {
    for (int i = 0; i < events; ++i) {
      log.append("mark", {{"number", i}});
      std::this_thread::yield();
    }
    log.append("mark", {{"number", "last"}});
  });
  std::string seen;
  viewer.setReceiveTimeout(Poco::Timespan(20, 0));
  while (seen.find("last") == std::string::npos) {
    char part[4096];
    int got = 0;
    ASSERT_NO_THROW(got = viewer.receiveBytes(part, sizeof part));
    ASSERT_GT(got, 0);
    seen = seen.substr(seen.size() - std::min<std::size_t>(seen.size(), 100)) +
           std::string(part, static_cast<std::size_t>(got));
  }
  happening.join();
}

// A viewer as a browser is one, but that reads only when it is told to.
class Viewer {
public:
  explicit Viewer(const TestHost &from, const std::string &more_headers = "") {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(from.port());
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr *>(&to), sizeof to) != 0)
      throw std::runtime_error("a viewer can't connect");
    const std::string request =
        fmt::format("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n{}\r\n", more_headers);
    (void)!::send(fd_, request.data(), request.size(), MSG_NOSIGNAL);
  }
  ~Viewer() { ::close(fd_); }
  Viewer(const Viewer &) = delete;

  // The next event of that type; any type when it is "". Nothing: none came in time.
  std::optional<Seen> next(const std::string &type, std::chrono::milliseconds limit = 5s) {
    const auto deadline = SteadyClock::now() + limit;
    for (;;) {
      while (const auto event = whole_event())
        if (type.empty() || event->type == type)
          return event;
      if (!read_more(deadline))
        return std::nullopt;
    }
  }

  // Reads to the end: true when the other side closed within `limit`.
  bool closed_within(std::chrono::milliseconds limit) {
    const auto deadline = SteadyClock::now() + limit;
    while (read_more(deadline)) {
    }
    return ended_;
  }

  // The answer's first line, once it came.
  std::string status_line() {
    while (text_.find("\r\n") == std::string::npos && read_more(SteadyClock::now() + 5s)) {
    }
    return text_.substr(0, text_.find("\r\n"));
  }

private:
  bool read_more(SteadyClock::time_point deadline) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
    pollfd readable{fd_, POLLIN, 0};
    if (left <= 0 || ::poll(&readable, 1, static_cast<int>(left)) <= 0)
      return false;
    char buffer[65536];
    const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
    ended_ = got <= 0;
    if (got > 0)
      text_.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  }

  std::optional<Seen> whole_event() {
    for (std::size_t end = text_.find("\n\n"); end != std::string::npos; end = text_.find("\n\n")) {
      const std::string one = text_.substr(0, end + 1);
      text_.erase(0, end + 2);
      const auto field = [&one](const std::string &name) {
        const std::size_t at = one.find(name + ": ");
        return at == std::string::npos
                   ? ""
                   : one.substr(at + name.size() + 2, one.find('\n', at) - at - name.size() - 2);
      };
      if (!field("event").empty())
        return Seen{field("id"), field("event"), json::parse(field("data"))};
    }
    return std::nullopt;
  }

  int fd_ = -1;
  bool ended_ = false;
  std::string text_;
};

std::ptrdiff_t threads_of(pid_t pid) {
  const std::filesystem::directory_iterator tasks(fmt::format("/proc/{}/task", pid));
  return std::distance(begin(tasks), end(tasks));
}

void use(const TestHost &which, const std::string &name) {
  ASSERT_EQ(which.http("PUT", "/api/v1/strategy", fmt::format(R"({{"name":"{}"}})", name)).status,
            200);
}

TEST(Events, AViewerSeesGaugesAndSwapsAsTheyHappen) {
  Viewer viewer(host());
  ASSERT_TRUE(viewer.next("gauges"));
  use(host(), "fixed_tiny");
  use(host(), "adaptive");
  std::vector<std::string> to;
  while (to.empty() || to.back() != "adaptive") {
    const auto swap = viewer.next("swap");
    ASSERT_TRUE(swap);
    to.push_back(swap->data.at("to"));
  }
  ASSERT_GE(to.size(), 2U);
  EXPECT_EQ(to[to.size() - 2], "fixed_tiny"); // none is left out, however short it was
  const auto gauges = viewer.next("gauges");
  ASSERT_TRUE(gauges);
  EXPECT_EQ(gauges->data.at("strategy"), "adaptive");
  for (const char *name : {"open", "idle", "in_use", "connecting", "waiting", "oldest_wait_ms",
                           "counts", "plan", "explain", "requests", "wait_ms", "hold_ms"})
    EXPECT_TRUE(gauges->data.contains(name)) << name;
}

TEST(Events, RequestsAreCountedByHowTheyEnded) {
  Viewer viewer(host());
  const auto ok = [&viewer] {
    const auto gauges = viewer.next("gauges");
    return gauges ? gauges->data.at("requests").at("ok").get<int>() : -1;
  };
  const int before = host().http("GET", "/api/v1/pool").json().at("requests").at("ok");
  ASSERT_EQ(host().http("POST", "/jobs", R"({"type":"send_email"})").status, 201);
  ASSERT_EQ(host().http("POST", "/jobs", R"({"type":"nonsense"})").status, 400);
  const auto deadline = SteadyClock::now() + 5s;
  int now = ok();
  while (now < before + 1 && SteadyClock::now() < deadline)
    now = ok();
  EXPECT_EQ(now, before + 1); // the caller's own mistake is not the pool's failure
}

TEST(Events, ABrowserThatComesBackGoesOnWhereItWas) {
  std::string id;
  {
    Viewer first(host());
    const auto seen = first.next("gauges");
    ASSERT_TRUE(seen);
    id = seen->id;
  }
  Viewer again(host(), "Last-Event-ID: " + id + "\r\n");
  const auto next = again.next("");
  ASSERT_TRUE(next);
  const auto number = [](const std::string &of) {
    return std::stoull(of.substr(of.find('-') + 1));
  };
  EXPECT_EQ(number(next->id), number(id) + 1);
}

TEST(Events, WhomAStreamDoesNotReachMayAskInstead) {
  const std::string accept = "Accept: application/json\r\n";
  json first = host().http("GET", "/api/v1/events", "", accept).json();
  ASSERT_FALSE(first.at("events").empty());
  ASSERT_EQ(host().http("POST", "/api/v1/marks", R"({"text":"here"})").status, 201);
  const json then =
      host()
          .http("GET", "/api/v1/events?since=" + first.at("next").get<std::string>(), "", accept)
          .json();
  int marks = 0;
  for (const json &event : then.at("events"))
    marks += event.at("event") == "mark" && event.at("data").at("text") == "here";
  EXPECT_EQ(marks, 1);
  EXPECT_GT(then.at("next"), first.at("next"));
}

TEST(Events, ViewersTakeNoThreadsAndSleepersNobodysTime) {
  ASSERT_EQ(host().http("GET", "/health").status, 200);
  const auto before = threads_of(host().pid());
  std::vector<std::unique_ptr<Viewer>> sleepers; // they read no more than the head
  for (int i = 0; i < 150; ++i) { // one after the other: each has a thread until it is welcome
    sleepers.push_back(std::make_unique<Viewer>(host()));
    ASSERT_EQ(sleepers.back()->status_line(), "HTTP/1.1 200 OK");
  }
  EXPECT_LT(threads_of(host().pid()), before + 20);
  // Whoever reads gets all of it all the same.
  Viewer viewer(host());
  ASSERT_EQ(host().http("POST", "/api/v1/marks", R"({"text":"awake"})").status, 201);
  const auto mark = viewer.next("mark");
  ASSERT_TRUE(mark);
  EXPECT_EQ(host().http("POST", "/jobs", R"({"type":"send_email"})").status, 201);
}

TEST(Events, OneViewerTooManyIsToldSo) {
  TestHost alone;
  std::vector<std::unique_ptr<Viewer>> viewers;
  for (std::size_t i = 0; i < EventStream::most_viewers; ++i) {
    viewers.push_back(std::make_unique<Viewer>(alone));
    ASSERT_EQ(viewers.back()->status_line(), "HTTP/1.1 200 OK") << i;
  }
  EXPECT_EQ(alone.http("GET", "/api/v1/events").code(), "host_busy");
  viewers.clear(); // and room is free again once they have gone
  const auto deadline = SteadyClock::now() + 10s;
  std::string status;
  while (status != "HTTP/1.1 200 OK" && SteadyClock::now() < deadline)
    status = Viewer(alone).status_line();
  EXPECT_EQ(status, "HTTP/1.1 200 OK");
}

TEST(Events, AHostThatStopsLetsItsViewersGo) {
  TestHost stopping;
  Viewer viewer(stopping);
  ASSERT_TRUE(viewer.next("gauges"));
  EXPECT_TRUE(stopping.stop().well());
  EXPECT_TRUE(viewer.closed_within(5s));
}

TEST(Events, MarksComeFromThisSiteAndAreShort) {
  const std::string good = R"({"text":"x"})";
  EXPECT_EQ(host().http("POST", "/api/v1/marks", good, "Origin: http://evil.example\r\n").status,
            403);
  EXPECT_EQ(host().http("POST", "/api/v1/marks", good, "Sec-Fetch-Site: cross-site\r\n").status,
            403);
  for (const std::string bad : {R"({})", R"({"text":7})", R"({"text":""})"})
    EXPECT_EQ(host().http("POST", "/api/v1/marks", bad).status, 400) << bad;
  EXPECT_EQ(
      host().http("POST", "/api/v1/marks", R"({"text":")" + std::string(201, 'x') + R"("})").status,
      400);
}

} // namespace
} // namespace lab::host
