// The daemon's side: the socket, and the program's life.
#include "loadtest/lab/agent.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <Poco/Exception.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>
#include <Poco/Timespan.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "loadtest/lab/exit_status.hpp"
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
  case Supervisor::HostIs::down:
    break;
  }
  return "down";
}

json to_json(const Supervisor::Report &report) {
  return {{"pid", ::getpid()},
          {"host",
           {{"state", name_of(report.host)},
            {"pid", report.process.pid},
            {"port", report.port},
            {"problem", report.problem}}},
          {"settings_problem", report.settings_problem},
          {"events", report.events}};
}

enum class Then { go_on, leave };

Then answer(Supervisor &supervisor, Poco::Net::StreamSocket &caller) {
  const json asked = json::parse(read_line(caller, hear_limit), nullptr, false);
  const std::string what = asked.is_object() ? asked.value("do", "") : "";
  json said;
  try {
    if (what == "restart")
      supervisor.restart_host();
    else if (what == "stop")
      supervisor.stop_host();
    else if (what == "settings")
      supervisor.take_settings();
    if (what == "status" || what == "settings" || what == "restart" || what == "stop" ||
        what == "leave")
      said = to_json(supervisor.report());
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

Poco::Net::ServerSocket listen_on(const std::filesystem::path &path) {
  ::unlink(path.c_str()); // an earlier agent's; the lock says that it is gone
  const mode_t before = ::umask(0177);
  Poco::Net::ServerSocket socket;
  socket.bind(Poco::Net::SocketAddress(Poco::Net::SocketAddress::UNIX_LOCAL, path.string()));
  ::umask(before);
  socket.listen(16);
  return socket;
}

void serve(const Places &places, int signals) {
  Poco::Net::ServerSocket listening = listen_on(places.agent_socket());
  Supervisor supervisor(places, db::lab_user());
  spdlog::info("the agent listens");
  for (;;) {
    pollfd watched[2] = {{signals, POLLIN, 0}, {listening.impl()->sockfd(), POLLIN, 0}};
    if (::poll(watched, 2, -1) < 0 && errno != EINTR)
      throw std::runtime_error(std::strerror(errno));
    if (watched[0].revents != 0) {
      spdlog::info("told to end: the host keeps serving");
      return;
    }
    if (watched[1].revents == 0)
      continue;
    try {
      Poco::Net::StreamSocket caller = listening.acceptConnection();
      if (answer(supervisor, caller) == Then::leave)
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
  return Exit::pass;
}

} // namespace lab::cli
