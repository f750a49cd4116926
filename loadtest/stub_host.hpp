// A host for tests: an HTTP server on a free port of 127.0.0.1, whose answers
// are a function. One thread, so that a function that blocks stalls all of it.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace lab::load {

struct StubRequest {
  std::string_view method;
  std::string_view path;
  std::string_view head; // request line and headers
  std::string_view body;
};

struct StubAnswer {
  int status = 200;
  std::string body = "{}";
  std::string headers;                // whole lines, each with its "\r\n"
  std::chrono::milliseconds delay{0}; // until it is sent; the others go on
  bool close = false;                 // ends the connection after it
  bool never = false;                 // no answer at all
};

class StubHost {
public:
  using Answerer = std::function<StubAnswer(const StubRequest &)>; // [the stub's thread]

  // With a short backlog, connects wait while the stub is stalled.
  explicit StubHost(Answerer answerer, int backlog = 1024);
  ~StubHost();
  StubHost(const StubHost &) = delete;
  StubHost &operator=(const StubHost &) = delete;

  unsigned short port() const { return port_; }

  // [any thread] Requests under /api/ are answered, but not counted.
  int connections() const { return connections_; }
  int requests() const { return requests_; }
  int most_in_flight() const { return most_in_flight_; }

private:
  void serve(const std::stop_token &stop);

  Answerer answerer_;
  int listener_ = -1;
  unsigned short port_ = 0;
  std::atomic<int> connections_{0};
  std::atomic<int> requests_{0};
  std::atomic<int> most_in_flight_{0};
  std::jthread thread_;
};

// What the lab's host sends when something failed.
StubAnswer problem(int status, const std::string &code);

} // namespace lab::load
