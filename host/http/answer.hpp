// What goes back to a client: an answer, or a problem that becomes one.
//
// Every error is application/problem+json (RFC 9457) with a stable `code`: the
// same word in answers, metrics, reports and on the page.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace Poco::Net {
class StreamSocket;
}

namespace lab::host {

struct Answer {
  int status = 200;
  std::string body;
  std::string type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers = {};
  bool close = false; // end the connection after it
  // Instead of all that: who takes the connection over, and writes the answer.
  std::function<void(const Poco::Net::StreamSocket &)> take_socket = {};

  static Answer json(std::string body, int status = 200) { return {status, std::move(body)}; }
};

// Thrown by a route; answered as problem+json.
class Problem : public std::runtime_error {
public:
  Problem(int s, std::string c, const std::string &detail)
      : std::runtime_error(detail), status(s), code(std::move(c)) {}
  int status;
  std::string code;
  std::string allow = {}; // the methods that are, for 405

  static Problem bad_request(const std::string &why) { return {400, "bad_request", why}; }
  static Problem forbidden(const std::string &why) { return {403, "forbidden", why}; }
  static Problem not_found(const std::string &why) { return {404, "not_found", why}; }
  static Problem too_large(const std::string &why) { return {413, "too_large", why}; }
  static Problem unsupported_media_type(const std::string &why) {
    return {415, "unsupported_media_type", why};
  }
};

Answer answer_for(const Problem &problem);

// nginx's number for a client that went away before it was answered. It stands in
// /metrics only: nobody is there to be told, so nothing is written.
inline constexpr int client_gone = 499;

} // namespace lab::host
