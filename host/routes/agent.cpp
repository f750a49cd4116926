// Loads, faults and steps of the path that the page asks for. The host does nothing of it itself:
// it hands on to the agent, which runs the commands that one would type.
#include <chrono>
#include <filesystem>
#include <string>

#include <Poco/Exception.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>
#include <nlohmann/json.hpp>

#include "host/routes/routes.hpp"

namespace lab::host {
namespace {

using nlohmann::json;

constexpr int answers_within_s = 3;
constexpr std::size_t longest_answer = std::size_t{1} << 20;

// One line out, one line in.
std::string ask(const std::filesystem::path &socket, const std::string &line) {
  using namespace Poco::Net;
  const Poco::Timespan limit(answers_within_s, 0);
  StreamSocket agent;
  agent.connect(SocketAddress(SocketAddress::UNIX_LOCAL, socket.string()), limit);
  agent.setReceiveTimeout(limit);
  agent.setSendTimeout(limit);
  const std::string out = line + "\n";
  for (std::size_t sent = 0; sent < out.size();)
    sent += static_cast<std::size_t>(
        agent.sendBytes(out.data() + sent, static_cast<int>(out.size() - sent)));
  std::string in;
  char part[4096];
  while (in.size() < longest_answer && (in.empty() || in.back() != '\n')) {
    const int got = agent.receiveBytes(part, sizeof part);
    if (got <= 0)
      break;
    in.append(part, static_cast<std::size_t>(got));
  }
  return in;
}

Answer hand_on(const std::filesystem::path &socket, json order, const char *what) {
  order["do"] = what;
  json said;
  try {
    if (!socket.empty())
      said = json::parse(ask(socket, order.dump()), nullptr, false);
  } catch (const Poco::Exception &) {
    // It is told below.
  }
  if (!said.is_object())
    throw Problem::not_found("the agent, which would do it, does not answer: run scripts/lab up");
  if (const auto error = said.find("error"); error != said.end())
    throw Problem::bad_request(error->get<std::string>());
  return Answer::json(said.dump());
}

} // namespace

void add_agent_routes(Router &router, const std::filesystem::path &socket) {
  const auto add = [&](const char *method, const char *path, bool changes, const char *what) {
    router.add(method, path, changes, [socket, what, changes](Call &call) {
      return hand_on(socket, changes ? json_object(call) : json::object(), what);
    });
  };
  add("GET", "/api/v1/runs", false, "errands");
  add("POST", "/api/v1/runs", true, "load");
  add("DELETE", "/api/v1/runs", true, "end_load");
  add("GET", "/api/v1/faults", false, "errands");
  add("POST", "/api/v1/faults", true, "fault");
  add("DELETE", "/api/v1/faults", true, "clear_faults");
  add("GET", "/api/v1/progress", false, "progress");
  add("POST", "/api/v1/progress", true, "step");
}

} // namespace lab::host
