// The HTTP server: Poco's, with one thread for each connection and an answer of
// our own (`host_busy`) when more requests are in flight than it should carry.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

#include "host/clock.hpp"
#include "host/http/router.hpp"

namespace Poco {
class ThreadPool;
namespace Net {
class HTTPServer;
}
} // namespace Poco

namespace lab::host {

class HttpServer {
public:
  // Requests in flight before `host_busy`. More threads than that: a connection
  // without a thread would hang instead of being told.
  static constexpr int soft_limit = 600;
  static constexpr int threads = 760;

  // Starts to listen on 127.0.0.1:`port`. Throws Poco::Net::NetException.
  HttpServer(const Clock &clock, std::uint16_t port, const Router &router, Metrics &metrics);
  ~HttpServer();

  std::uint16_t port() const;

  // From now on every answer is `draining`; those in flight finish. [any thread]
  void drain();
  // Ends connections; waits for the requests in flight. After `drain`.
  void stop();

private:
  class Handler;
  class Handlers;

  const Clock &clock_;
  const Router &router_;
  Metrics &metrics_;
  std::atomic<int> in_flight_{0};
  std::atomic<bool> draining_{false};
  std::unique_ptr<Poco::ThreadPool> threads_;
  std::unique_ptr<Poco::Net::HTTPServer> server_;
};

} // namespace lab::host
