#include "loadtest/stub_host.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <queue>
#include <stdexcept>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

namespace lab::load {
namespace {

using Clock = std::chrono::steady_clock;

struct Client {
  std::string received;
  std::uint64_t number = 0; // a descriptor may be used again while an answer is due
};

struct Due {
  Clock::time_point at;
  int socket;
  std::uint64_t number;
  std::string bytes;
  bool close;
  bool counted;
  bool operator>(const Due &other) const { return at > other.at; }
};

// The next whole request at the front of `received`; size 0 when it is not all there.
std::size_t whole_request(const std::string &received, StubRequest &request) {
  const std::string_view all = received;
  const std::size_t end = all.find("\r\n\r\n");
  if (end == std::string_view::npos)
    return 0;
  request.head = all.substr(0, end + 2);
  std::size_t length = 0;
  const std::string_view name = "Content-Length: ";
  const std::size_t at = request.head.find(name);
  if (at != std::string_view::npos) {
    const char *digits = request.head.data() + at + name.size();
    std::from_chars(digits, request.head.data() + request.head.size(), length);
  }
  if (all.size() < end + 4 + length)
    return 0;
  request.body = all.substr(end + 4, length);
  const std::size_t space = all.find(' ');
  request.method = all.substr(0, space);
  request.path = all.substr(space + 1, all.find(' ', space + 1) - space - 1);
  return end + 4 + length;
}

std::string bytes_of(const StubAnswer &answer) {
  if (answer.status == 204)
    return fmt::format("HTTP/1.1 204 No Content\r\n{}\r\n", answer.headers);
  return fmt::format("HTTP/1.1 {} Stub\r\nContent-Length: {}\r\n{}{}\r\n{}", answer.status,
                     answer.body.size(), answer.close ? "Connection: close\r\n" : "",
                     answer.headers, answer.body);
}

} // namespace

StubHost::StubHost(Answerer answerer, int backlog) : answerer_(std::move(answerer)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener_, reinterpret_cast<sockaddr *>(&address), size) != 0 ||
      listen(listener_, backlog) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr *>(&address), &size) != 0)
    throw std::runtime_error("the stub found no port to listen on");
  port_ = ntohs(address.sin_port);
  thread_ = std::jthread([this](std::stop_token stop) { serve(stop); });
}

StubHost::~StubHost() {
  thread_.request_stop();
  thread_.join();
  close(listener_);
}

void StubHost::serve(const std::stop_token &stop) {
  const int poller = epoll_create1(EPOLL_CLOEXEC);
  const auto watch = [poller](int socket) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = socket;
    epoll_ctl(poller, EPOLL_CTL_ADD, socket, &event);
  };
  watch(listener_);
  std::map<int, Client> clients;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due;
  std::uint64_t last_number = 0;
  int in_flight = 0;
  const auto end = [&](int socket) {
    close(socket);
    clients.erase(socket);
  };
  const auto send_due = [&] {
    while (!due.empty() && due.top().at <= Clock::now()) {
      const Due answer = due.top();
      due.pop();
      in_flight -= answer.counted ? 1 : 0;
      const auto client = clients.find(answer.socket);
      if (client == clients.end() || client->second.number != answer.number)
        continue;
      const ssize_t sent =
          send(answer.socket, answer.bytes.data(), answer.bytes.size(), MSG_NOSIGNAL);
      if (answer.close || sent != static_cast<ssize_t>(answer.bytes.size()))
        end(answer.socket);
    }
  };

  while (!stop.stop_requested()) {
    int wait = 20; // how soon a stop is seen
    if (!due.empty())
      wait = static_cast<int>(std::clamp<std::int64_t>(
          std::chrono::ceil<std::chrono::milliseconds>(due.top().at - Clock::now()).count(), 0,
          20));
    epoll_event events[64];
    const int count = epoll_wait(poller, events, 64, wait);
    for (int i = 0; i < count; ++i) {
      const int socket = events[i].data.fd;
      if (socket == listener_) {
        const int accepted = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (accepted < 0)
          continue;
        const int on = 1;
        setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        clients[accepted].number = ++last_number;
        watch(accepted);
        ++connections_;
        continue;
      }
      char bytes[16 * 1024];
      const ssize_t size = recv(socket, bytes, sizeof bytes, 0);
      if (size <= 0) {
        end(socket);
        continue;
      }
      Client &client = clients[socket];
      client.received.append(bytes, static_cast<std::size_t>(size));
      StubRequest request;
      while (const std::size_t used = whole_request(client.received, request)) {
        const bool counted = request.path.substr(0, 5) != "/api/";
        if (counted) {
          ++requests_;
          ++in_flight;
          most_in_flight_ = std::max(most_in_flight_.load(), in_flight);
        }
        const StubAnswer answer = answerer_(request);
        if (!answer.never)
          due.push({Clock::now() + answer.delay, socket, client.number, bytes_of(answer),
                    answer.close, counted});
        client.received.erase(0, used);
      }
    }
    send_due();
  }
  for (const auto &[socket, client] : clients)
    close(socket);
  close(poller);
}

StubAnswer problem(int status, const std::string &code) {
  StubAnswer answer;
  answer.status = status;
  answer.headers = "Content-Type: application/problem+json\r\nServer-Timing: wait;dur=200.5\r\n";
  answer.body =
      fmt::format(R"({{"type":"about:blank","title":"no","status":{},"code":"{}"}})", status, code);
  return answer;
}

} // namespace lab::load
