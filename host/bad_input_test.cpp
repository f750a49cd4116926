// What comes in may be anything: each kind of bad input gets its own code, and
// the host stays well.
#include "host/test_host.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace lab::host {
namespace {

TestHost &host() {
  static TestHost the_host;
  return the_host;
}

struct Case {
  const char *what;
  std::string method;
  std::string path;
  std::string body;
  int status;
  std::string code;
  std::string headers = "";
};

std::string deep(std::size_t levels) {
  return R"({"type":"send_email","payload":)" + std::string(levels, '[') +
         std::string(levels, ']') + "}";
}

std::vector<Case> cases() {
  const std::string good = R"({"type":"send_email"})";
  const std::string big =
      R"({"type":"send_email","payload":{"x":")" + std::string(300000, 'x') + R"("}})";
  return {
      {"malformed JSON", "POST", "/jobs", R"({"type":)", 400, "bad_request"},
      {"no JSON at all", "POST", "/jobs", "hello", 400, "bad_request"},
      {"bytes that are not UTF-8", "POST", "/jobs", "{\"type\":\"\xff\xfe\"}", 400, "bad_request"},
      {"a JSON array", "POST", "/jobs", "[1,2]", 400, "bad_request"},
      {"deep JSON", "POST", "/jobs", deep(100), 400, "bad_request"},
      {"very deep JSON", "POST", "/jobs", deep(100000), 400, "bad_request"},
      {"an oversized body", "POST", "/jobs", big, 413, "too_large"},
      {"no body", "POST", "/jobs", "", 400, "bad_request"},
      {"an unknown type", "POST", "/jobs", R"({"type":"make_coffee"})", 400, "bad_request"},
      {"a type that is no text", "POST", "/jobs", R"({"type":7})", 400, "bad_request"},
      {"a payload that is no object", "POST", "/jobs", R"({"type":"send_email","payload":[1]})",
       400, "bad_request"},
      {"a payload with a zero character", "POST", "/jobs",
       R"({"type":"send_email","payload":{"x":"a\u0000b"}})", 400, "bad_request"},
      {"a priority that is no integer", "POST", "/jobs", R"({"type":"send_email","priority":1.5})",
       400, "bad_request"},
      {"a priority that is too large", "POST", "/jobs",
       R"({"type":"send_email","priority":99999999999})", 400, "bad_request"},
      {"another media type", "POST", "/jobs", good, 415, "unsupported_media_type",
       "Content-Type: text/plain\r\n"},
      {"an unknown status", "PATCH", "/jobs/1", R"({"status":"lost"})", 400, "bad_request"},
      {"a status that is no text", "PATCH", "/jobs/1", R"({"status":null})", 400, "bad_request"},
      {"an id that is no number", "PATCH", "/jobs/abc", R"({"status":"done"})", 400, "bad_request"},
      {"an id beyond 64 bits", "PATCH", "/jobs/99999999999999999999", R"({"status":"done"})", 400,
       "bad_request"},
      {"a negative id", "PATCH", "/jobs/-1", R"({"status":"done"})", 400, "bad_request"},
      {"an id that is not there", "PATCH", "/jobs/987654321", R"({"status":"done"})", 404,
       "not_found"},
      {"an unknown route", "GET", "/nothing", "", 404, "not_found"},
      {"a path that climbs", "GET", "/../../etc/passwd", "", 404, "not_found"},
      {"a wrong method", "DELETE", "/jobs", "", 405, "method_not_allowed"},
      {"a method that does not exist", "BREW", "/jobs/next", "", 405, "method_not_allowed"},
      {"an unknown strategy", "PUT", "/api/v1/strategy", R"({"name":"nobody"})", 404, "not_found"},
      {"a path for a strategy", "PUT", "/api/v1/strategy", R"({"name":"../../bin/sh"})", 400,
       "bad_request"},
      {"a zero character in a strategy", "PUT", "/api/v1/strategy",
       R"({"name":"fixed_tiny\u0000x"})", 400, "bad_request"},
      {"no strategy", "PUT", "/api/v1/strategy", R"({"params":{}})", 400, "bad_request"},
      {"an unknown parameter", "PUT", "/api/v1/strategy",
       R"({"name":"fixed_tiny","params":{"colour":1}})", 400, "bad_request"},
      {"a parameter out of range", "PUT", "/api/v1/strategy",
       R"({"name":"fixed_tiny","params":{"max":0}})", 400, "bad_request"},
      {"a parameter that is no integer", "PUT", "/api/v1/strategy",
       R"({"name":"fixed_tiny","params":{"max":2.5}})", 400, "bad_request"},
      {"a parameter that is no number", "PUT", "/api/v1/strategy",
       R"({"name":"fixed_tiny","params":{"max":"many"}})", 400, "bad_request"},
      {"parameters that are no object", "PUT", "/api/v1/strategy",
       R"({"name":"fixed_tiny","params":[3]})", 400, "bad_request"},
      {"a hold that is too long", "POST", "/lab/hold", R"({"kind":"submit","hold_ms":600000})", 400,
       "bad_request"},
      {"a deadline that is no number", "GET", "/jobs/stats", "", 400, "bad_request",
       "Request-Timeout-Ms: soon\r\n"},
      {"a deadline of zero", "GET", "/jobs/stats", "", 400, "bad_request",
       "Request-Timeout-Ms: 0\r\n"},
      {"a foreign origin", "POST", "/jobs", good, 403, "forbidden",
       "Origin: https://evil.example\r\n"},
      {"an origin of null", "POST", "/jobs", good, 403, "forbidden", "Origin: null\r\n"},
      {"a foreign site", "POST", "/jobs", good, 403, "forbidden", "Sec-Fetch-Site: cross-site\r\n"},
      {"a foreign site that claims a job", "GET", "/jobs/next", "", 403, "forbidden",
       "Sec-Fetch-Site: cross-site\r\n"},
  };
}

TEST(BadInput, EachKindHasItsCode) {
  for (const Case &c : cases()) {
    // Given headers replace the usual Content-Type.
    const bool own_type = c.headers.find("Content-Type") != std::string::npos;
    const Reply reply =
        own_type ? send_raw(host().port(),
                            fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\n{}Content-Length: "
                                        "{}\r\n\r\n{}",
                                        c.method, c.path, c.headers, c.body.size(), c.body))
                 : host().http(c.method, c.path, c.body, c.headers);
    EXPECT_EQ(reply.status, c.status) << c.what << ": " << reply.body;
    EXPECT_EQ(reply.code(), c.code) << c.what;
  }
}

TEST(BadInput, AForeignHostIsRefused) {
  for (const char *name :
       {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example:3000"}) {
    const Reply reply =
        send_raw(host().port(), fmt::format("GET /jobs/stats HTTP/1.1\r\nHost: {}\r\n\r\n", name));
    EXPECT_EQ(reply.status, 403) << name;
    EXPECT_EQ(reply.code(), "forbidden");
  }
}

TEST(BadInput, ItsOwnOriginIsServed) {
  const std::string own =
      fmt::format("Origin: http://localhost:{}\r\nSec-Fetch-Site: same-origin\r\n", host().port());
  EXPECT_EQ(host().http("POST", "/jobs", R"({"type":"send_email","unknown":1})", own).status, 201);
}

TEST(BadInput, WhatIsNotHttpIsClosedOrRefused) {
  for (const std::string &bytes :
       {std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11),
        std::string("hello\r\n\r\n"), std::string("GET\r\n\r\n"),
        std::string(100000, 'A') + "\r\n\r\n",
        std::string("GET / HTTP/1.1\r\nContent-Length: minus one\r\nHost: localhost\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\n\0\0\0\r\n\r\n", 24)}) {
    const Reply reply = send_raw(host().port(), bytes);
    EXPECT_TRUE(reply.status == 0 || (reply.status >= 400 && reply.status < 500))
        << reply.status << " for " << bytes.substr(0, 20);
  }
  EXPECT_EQ(host().http("GET", "/health").status, 200);
}

TEST(BadInput, SixtyClientsThatSendAByteAndWaitDelayNobody) {
  std::vector<int> sockets;
  for (int i = 0; i < 60; ++i) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(host().port());
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::connect(fd, reinterpret_cast<const sockaddr *>(&to), sizeof to), 0);
    ASSERT_EQ(::send(fd, "G", 1, MSG_NOSIGNAL), 1);
    sockets.push_back(fd);
  }
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(host().http("GET", "/health").status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds(1));
  EXPECT_EQ(host().http("GET", "/jobs/stats").status, 200);
  for (const int fd : sockets)
    ::close(fd);
}

TEST(BadInput, NothingOfItReachedTheData) {
  db::TestPostgres::shared().postgres().reset();
  for (const Case &c : cases())
    if (c.path == "/jobs" && c.status != 415)
      (void)host().http(c.method, c.path, c.body, c.headers);
  EXPECT_EQ(host().http("GET", "/jobs/stats").json()["pending"], 10000);
}

} // namespace
} // namespace lab::host
