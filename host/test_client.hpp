// For tests: a client that keeps its connection to the host, as a browser or a
// service does, and notices when the host breaks it. [one thread]
#pragma once

#include <cstdint>
#include <string>

#include "host/test_host.hpp"

namespace lab::host {

class TestClient {
public:
  explicit TestClient(std::uint16_t port) : port_(port) {}
  ~TestClient();
  TestClient(const TestClient &) = delete;
  TestClient &operator=(const TestClient &) = delete;

  // One request and its answer, over the connection that is kept. Status 0: it broke
  // before there was a whole answer; the next request opens another.
  Reply http(const std::string &method, const std::string &path, const std::string &body = "",
             const std::string &more_headers = "");

private:
  bool open();
  void close();

  const std::uint16_t port_;
  int fd_ = -1;
};

} // namespace lab::host
