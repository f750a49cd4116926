#include "loadtest/lab/host_api.hpp"

#include <istream>
#include <iterator>
#include <ostream>
#include <utility>

#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Timespan.h>
#include <fmt/format.h>

namespace lab::cli {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr auto connect_limit = 2s;
constexpr auto look_limit = 3s;

// A swap copies, verifies, loads; the verifier alone may take several seconds,
// and the first list of strategies verifies them all.
constexpr auto swap_limit = 30s;

Poco::Timespan timespan(std::chrono::microseconds time) {
  return Poco::Timespan(time.count());
}

} // namespace

std::string HostApi::url() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

json HostApi::health() const {
  return call("GET", "/health", nullptr, look_limit);
}
json HostApi::pool() const {
  return call("GET", "/api/v1/pool", nullptr, look_limit);
}
json HostApi::strategy() const {
  return call("GET", "/api/v1/strategy", nullptr, look_limit);
}
json HostApi::strategies() const {
  return call("GET", "/api/v1/strategies", nullptr, swap_limit);
}

json HostApi::reclaim() const {
  const json nothing = json::object();
  return call("POST", "/api/v1/pool/reclaim", &nothing, look_limit);
}

json HostApi::pause(bool paused) const {
  const json body = {{"paused", paused}};
  return call("PUT", "/api/v1/pool", &body, look_limit);
}

void HostApi::mark(const std::string &text, Mark kind) const {
  json body = {{"text", text}};
  if (kind == Mark::fault)
    body["kind"] = "fault";
  (void)call("POST", "/api/v1/marks", &body, look_limit);
}

json HostApi::faults() const {
  return call("GET", "/lab/faults", nullptr, look_limit);
}
json HostApi::change_faults(const json &change) const {
  return call("POST", "/lab/faults", &change, look_limit);
}

json HostApi::settings() const {
  return call("GET", "/api/v1/settings", nullptr, look_limit);
}
json HostApi::change_settings(const json &change) const {
  return call("PUT", "/api/v1/settings", &change, swap_limit);
}

json HostApi::use(const Choice &choice, Instance instance) const {
  const json body = {
      {"name", choice.name}, {"params", choice.params}, {"fresh", instance == Instance::fresh}};
  return call("PUT", "/api/v1/strategy", &body, swap_limit);
}

Choice HostApi::choice() const {
  const json in_force = strategy();
  return {in_force.at("name").get<std::string>(),
          in_force.at("set").get<std::map<std::string, double>>()};
}

json HostApi::call(const std::string &method, const std::string &path, const json *body,
                   std::chrono::milliseconds limit) const {
  using namespace Poco::Net;
  HTTPClientSession session("127.0.0.1", port_);
  session.setProxyConfig({});
  session.setTimeout(timespan(connect_limit), timespan(connect_limit), timespan(limit));
  std::string text;
  HTTPResponse response;
  try {
    HTTPRequest request(method, path, HTTPMessage::HTTP_1_1);
    request.setKeepAlive(false);
    std::string sent;
    if (body) {
      sent = body->dump();
      request.setContentType("application/json");
      request.setContentLength(static_cast<std::streamsize>(sent.size()));
    }
    session.sendRequest(request) << sent;
    std::istream &answer = session.receiveResponse(response);
    text.assign(std::istreambuf_iterator<char>(answer), std::istreambuf_iterator<char>());
  } catch (const Poco::Exception &e) {
    throw HostUnreachable(fmt::format("the host at {} does not answer ({}): run scripts/lab up",
                                      url(), e.displayText()));
  }
  json answer = json::parse(text, nullptr, false);
  const int status = response.getStatus();
  if (status >= 400) {
    if (!answer.is_object())
      throw HostProblem(status, "", fmt::format("{} {} answered {}", method, path, status));
    throw HostProblem(status, answer.value("code", ""), answer.value("detail", ""));
  }
  if (answer.is_discarded())
    throw HostUnreachable(fmt::format("what answers at {} is not the lab's host", url()));
  return answer;
}

} // namespace lab::cli
