// The daemon's side: the socket, and the program's life.
#include "loadtest/lab/agent.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <Poco/Exception.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/Timespan.h>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "loadtest/lab/errands/errands.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/faults/watch.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/line_channel.hpp"
#include "loadtest/lab/supervisor.hpp"

namespace lab::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

// Whoever connects is this lab's user or root, and speaks at once.
constexpr auto hear_limit = 2s;

const char *name_of(Supervisor::HostIs state) {
  switch (state) {
  case Supervisor::HostIs::starting:
    return "starting";
  case Supervisor::HostIs::serving:
    return "serving";
  case Supervisor::HostIs::absent:
    return "absent";
  case Supervisor::HostIs::down:
    break;
  }
  return "down";
}

// One for each host that there may be.
using Supervisors = std::vector<std::unique_ptr<Supervisor>>;

json to_json(const Supervisors &supervisors) {
  json hosts = json::array(), told = json::array();
  std::string settings_problem;
  std::vector<Supervisor::Event> events;
  for (const auto &supervisor : supervisors) {
    const Supervisor::Report report = supervisor->report();
    hosts.push_back({{"state", name_of(report.host)},
                     {"pid", report.process.pid},
                     {"port", report.port},
                     {"problem", report.problem}});
    if (settings_problem.empty()) // it is one file: the other says the same
      settings_problem = report.settings_problem;
    events.insert(events.end(), report.events.begin(), report.events.end());
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const auto &a, const auto &b) { return a.at < b.at; });
  for (const Supervisor::Event &event : events)
    told.push_back(event.text);
  return {{"pid", ::getpid()},
          {"host", hosts.front()},
          {"hosts", hosts},
          {"settings_problem", settings_problem},
          {"events", told}};
}

// To all of them at once: none waits for another one to drain.
void order(const std::vector<Supervisor *> &supervisors, std::future<void> (Supervisor::*what)()) {
  std::vector<std::future<void>> under_way;
  for (Supervisor *supervisor : supervisors)
    under_way.push_back((supervisor->*what)());
  for (const auto &one : under_way)
    one.wait();
  for (auto &one : under_way)
    one.get();
}

std::vector<Supervisor *> named_in(const json &asked, const Supervisors &supervisors) {
  std::vector<Supervisor *> named;
  const json wanted = asked.is_object() ? asked.value("hosts", json()) : json();
  for (std::size_t host = 0; host < supervisors.size(); ++host)
    if (!wanted.is_array() || std::find(wanted.begin(), wanted.end(), host) != wanted.end())
      named.push_back(supervisors[host].get());
  return named;
}

enum class Then { go_on, leave };

Then answer(const Supervisors &supervisors, Poco::Net::StreamSocket &caller) {
  const json asked = json::parse(read_line(caller, hear_limit), nullptr, false);
  const std::string what = asked.is_object() ? asked.value("do", "") : "";
  json said;
  try {
    const auto hosts = named_in(asked, supervisors);
    if (what == "restart") {
      order(hosts, &Supervisor::stop_host); // first, for one may need another's port
      order(hosts, &Supervisor::restart_host);
    } else if (what == "stop") {
      order(hosts, &Supervisor::stop_host);
    } else if (what == "settings") {
      order(hosts, &Supervisor::take_settings);
    }
    if (what == "status" || what == "settings" || what == "restart" || what == "stop" ||
        what == "leave")
      said = to_json(supervisors);
    else
      said = {{"error", "the agent knows status, settings, restart, stop and leave"}};
  } catch (const std::exception &e) {
    said = {{"error", e.what()}};
  }
  write_line(caller, said.dump(-1, ' ', false, json::error_handler_t::replace));
  const bool ends = !said.contains("error") && (what == "stop" || what == "leave");
  return ends ? Then::leave : Then::go_on;
}

// Blocks all signals that end programs, for this thread and those to come.
int descriptor_of_signals() {
  sigset_t ends;
  sigemptyset(&ends);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP})
    sigaddset(&ends, signal);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return ::signalfd(-1, &ends, SFD_CLOEXEC);
}

// For that user alone.
Poco::Net::ServerSocket listen_on(const std::filesystem::path &path, const db::LabUser &user) {
  ::unlink(path.c_str()); // an earlier agent's; the lock says that it is gone
  const mode_t before = ::umask(0177);
  Poco::Net::ServerSocket socket;
  socket.bind(Poco::Net::SocketAddress(Poco::Net::SocketAddress::UNIX_LOCAL, path.string()));
  ::umask(before);
  if (::geteuid() == 0 && ::chown(path.c_str(), user.uid, user.gid) != 0)
    throw std::runtime_error(fmt::format("{}: {}", path.string(), std::strerror(errno)));
  socket.listen(16);
  return socket;
}

void answer_page(Errands &errands, Poco::Net::StreamSocket &caller) {
  const json asked = json::parse(read_line(caller, hear_limit), nullptr, false);
  json said;
  try {
    said = errands.carry_out(asked.is_object() ? asked : json::object());
  } catch (const std::exception &e) {
    said = {{"error", e.what()}};
  }
  write_line(caller, said.dump(-1, ' ', false, json::error_handler_t::replace));
}

void serve(const Places &places, int signals) {
  const db::LabUser user = db::lab_user();
  Poco::Net::ServerSocket listening =
      listen_on(places.agent_socket(), {::geteuid(), ::getegid(), ""});
  Poco::Net::ServerSocket for_hosts = listen_on(places.page_socket(), user);
  Supervisors supervisors;
  for (int host = 0; host < most_hosts; ++host)
    supervisors.push_back(std::make_unique<Supervisor>(places, user, host));
  const FaultWatch faults(places);
  Errands errands(places);
  spdlog::info("the agent listens");
  for (;;) {
    pollfd watched[3] = {{signals, POLLIN, 0},
                         {listening.impl()->sockfd(), POLLIN, 0},
                         {for_hosts.impl()->sockfd(), POLLIN, 0}};
    if (::poll(watched, 3, -1) < 0 && errno != EINTR)
      throw std::runtime_error(std::strerror(errno));
    if (watched[0].revents != 0) {
      spdlog::info("told to end: the hosts keep serving");
      return;
    }
    try {
      if (watched[2].revents != 0) {
        Poco::Net::StreamSocket caller = for_hosts.acceptConnection();
        answer_page(errands, caller);
      }
      if (watched[1].revents == 0)
        continue;
      Poco::Net::StreamSocket caller = listening.acceptConnection();
      if (answer(supervisors, caller) == Then::leave)
        return;
    } catch (const Poco::Exception &e) {
      spdlog::info("a caller went away: {}", e.displayText());
    }
  }
}

} // namespace

Exit run_agent(const Places &places) {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("agent"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
  spdlog::flush_on(spdlog::level::info);
  const auto only_one = FileLock::try_take(places.agent_lock());
  if (!only_one) {
    spdlog::info("another agent runs already");
    return Exit::set_up;
  }
  const auto self = process(::getpid());
  only_one->write(json{{"pid", ::getpid()}, {"started", self ? self->started : 0}}.dump());
  const int signals = descriptor_of_signals();
  try {
    serve(places, signals);
  } catch (const Poco::Exception &e) {
    spdlog::error("the agent ends: {}", e.displayText());
    return Exit::set_up;
  } catch (const std::exception &e) {
    spdlog::error("the agent ends: {}", e.what());
    return Exit::set_up;
  }
  ::unlink(places.agent_socket().c_str());
  ::unlink(places.page_socket().c_str());
  return Exit::pass;
}

} // namespace lab::cli
