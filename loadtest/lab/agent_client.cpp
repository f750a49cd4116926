// The caller's side of the agent.
#include "loadtest/lab/agent.hpp"

#include <thread>

#include <Poco/Exception.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>
#include <fmt/format.h>

#include "db/child.hpp"
#include "db/log_file.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/host_process.hpp"
#include "loadtest/lab/line_channel.hpp"

namespace lab::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using std::chrono::steady_clock;

constexpr auto listens_soon = 10s;
constexpr auto connect_limit = 2s;
constexpr auto look_again = 20ms;

} // namespace

std::optional<Agent> Agent::find(const Places &places) {
  const auto text = text_of_file(places.agent_lock());
  const json content = text ? json::parse(*text, nullptr, false) : json();
  if (!content.is_object())
    return std::nullopt;
  const ProcessId id{content.value("pid", 0), content.value("started", std::uint64_t{0})};
  return alive(id) ? std::optional(Agent(id, places.agent_socket())) : std::nullopt;
}

Agent Agent::start(const Places &places) {
  db::begin_log(places.agent_log());
  db::Child child({.argv = {places.program("lab"), "agent"},
                   .environment = places.environment(),
                   .directory = "/",
                   .own_session = true,
                   .out = db::Output::appended_to(places.agent_log()),
                   .err = db::Output::appended_to(places.agent_log())});
  for (const auto deadline = steady_clock::now() + listens_soon; steady_clock::now() < deadline;) {
    if (const auto agent = find(places)) {
      try {
        agent->ask("status", 5s);
        return *agent;
      } catch (const SetUpFailed &) {
        // It has the lock, and is about to listen.
      }
    } else if (child.wait_for(0ms)) {
      break;
    }
    std::this_thread::sleep_for(look_again);
  }
  throw SetUpFailed(fmt::format("the agent did not start: see {}", places.agent_log().string()));
}

json Agent::ask(const std::string &what, std::chrono::milliseconds limit) const {
  return say({{"do", what}}, limit);
}

json Agent::restart(const std::vector<int> &hosts, std::chrono::milliseconds limit) const {
  return say({{"do", "restart"}, {"hosts", hosts}}, limit);
}

json Agent::say(const json &order, std::chrono::milliseconds limit) const {
  json said;
  try {
    Poco::Net::StreamSocket socket;
    socket.connect(Poco::Net::SocketAddress(Poco::Net::SocketAddress::UNIX_LOCAL, socket_.string()),
                   Poco::Timespan(std::chrono::microseconds(connect_limit).count()));
    write_line(socket, order.dump());
    said = json::parse(read_line(socket, limit), nullptr, false);
  } catch (const Poco::Exception &e) {
    throw SetUpFailed(fmt::format("the agent (process {}) does not answer ({}): end it with "
                                  "scripts/lab down",
                                  process_.pid, e.displayText()));
  }
  if (!said.is_object())
    throw SetUpFailed(fmt::format("the agent (process {}) ended in the middle", process_.pid));
  if (said.contains("error"))
    throw SetUpFailed(said["error"].get<std::string>());
  return said;
}

void Agent::end(const std::string &how) const {
  try {
    ask(how, drain_limit + 10s);
  } catch (const SetUpFailed &) {
    // It is ended below.
  }
  if (!EndWatch(process_).wait_for(5s))
    end_process(process_, 2s);
}

} // namespace lab::cli
