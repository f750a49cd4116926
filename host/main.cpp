// The job server: reads its command line, puts the parts together, serves until
// it is told to stop, then drains.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/time.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <Poco/Net/NetException.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "db/connection_share.hpp"
#include "db/conninfo.hpp"
#include "db/open_files.hpp"
#include "host/clock.hpp"
#include "host/containment.hpp"
#include "host/end_by_exit.hpp"
#include "host/events/event_log.hpp"
#include "host/events/event_stream.hpp"
#include "host/events/pool_reporter.hpp"
#include "host/faults/host_faults.hpp"
#include "host/handed_password.hpp"
#include "host/http/server.hpp"
#include "host/line_sink.hpp"
#include "host/live_pool.hpp"
#include "host/metrics.hpp"
#include "host/routes/routes.hpp"
#include "host/server_watch.hpp"
#include "host/strategy_service.hpp"
#include "host/strategy_settings.hpp"

namespace {

using namespace lab;
using namespace lab::host;
using namespace std::chrono_literals;

constexpr int exit_set_up_failed = 64;
constexpr int exit_tainted = 70; // the agent starts it anew, on a safe strategy

// Three minutes of gauges at four a second, which is what a page that comes late can
// still show.
constexpr std::size_t events_kept = 720;

struct Settings {
  std::uint16_t port = 3000;
  std::string database;
  std::string monitor;
  int password_fd = -1;
  bool at_most_half = false;
  std::vector<std::filesystem::path> strategies;
  std::filesystem::path copies;
  std::filesystem::path verifier;
  std::filesystem::path page;
  std::string strategy;
  std::vector<std::string> set;
  std::filesystem::path strategy_settings;
  std::filesystem::path agent;
  std::vector<std::string> origins;
  std::uint64_t seed = 1;
  int leak_after = 60; // seconds
};

void describe(CLI::App &app, Settings &settings) {
  app.add_option("--port", settings.port, "Port on 127.0.0.1; 0 picks a free one");
  app.add_option("--database", settings.database, "Connection string of the job role")->required();
  app.add_option("--monitor", settings.monitor, "Connection string of the monitoring role")
      ->required();
  app.add_option("--password-fd", settings.password_fd,
                 "Descriptor to read the password for both from, one line");
  app.add_flag("--at-most-half", settings.at_most_half,
               "Others use the server too: take at most half of its free connections");
  app.add_option("--strategies", settings.strategies,
                 "Folder of strategies; may be given again, the first has precedence")
      ->required();
  app.add_option("--copies", settings.copies, "Folder for private copies of strategies")
      ->required();
  app.add_option("--verifier", settings.verifier, "The program lab_verify")->required();
  app.add_option("--page", settings.page, "Folder of the page")->required();
  app.add_option("--strategy", settings.strategy, "Strategy to begin with");
  app.add_option("--set", settings.set, "Parameter of it, NAME=NUMBER; may be given again");
  app.add_option("--settings", settings.strategy_settings,
                 "File with the settings of strategies, as PUT /api/v1/settings takes them");
  app.add_option("--agent", settings.agent,
                 "Unix socket of the agent, which runs the page's loads and faults");
  app.add_option("--allow-origin", settings.origins,
                 "Origin that may call besides this host's own; may be given again");
  app.add_option("--leak-after", settings.leak_after,
                 "Seconds after which a connection that is still held is suspected of being "
                 "leaked (60); 0: never")
      ->check(CLI::Range(0, 86400));
  app.add_option("--seed", settings.seed, "Seed of samples and jitter");
}

pool::ParamValues parse_params(const std::vector<std::string> &set) {
  pool::ParamValues values;
  for (const std::string &one : set) {
    const std::size_t equals = one.find('=');
    char *end = nullptr;
    const double value =
        equals == std::string::npos ? 0 : std::strtod(one.c_str() + equals + 1, &end);
    if (end == nullptr || *end != '\0' || end == one.c_str() + equals + 1)
      throw CLI::ValidationError("--set", "\"" + one + "\" is not of the form NAME=NUMBER");
    values.emplace_back(one.substr(0, equals), value);
  }
  return values;
}

std::string application_of(const std::string &conninfo) {
  const auto parts = db::parts_of(conninfo).value_or(db::ConninfoParts{});
  const auto name = parts.find("application_name");
  return name == parts.end() ? "" : name->second;
}

std::optional<pool::ServerView> server_view(const ServerWatch &watch, const Clock &clock) {
  const auto reading = watch.last();
  if (!reading)
    return std::nullopt;
  const db::ServerNumbers &numbers = reading->numbers;
  const auto count = [](int n) { return static_cast<std::uint32_t>(n < 0 ? 0 : n); };
  return pool::ServerView{count(numbers.max_connections), count(numbers.reserved),
                          count(numbers.total - numbers.ours), clock.now() - reading->at};
}

// One connection until the server has said how many there are.
std::uint32_t share_of(const ServerWatch &watch) {
  const auto reading = watch.last();
  return reading ? static_cast<std::uint32_t>(db::pool_share(reading->numbers)) : 1;
}

void report_leak(EventLog &events, const SuspectedLeak &leak, pool::Time now) {
  spdlog::warn("{} holds a connection (backend {}) for {} s: a leak? `lab reclaim` takes it back",
               leak.route, leak.backend_pid,
               std::chrono::duration_cast<std::chrono::seconds>(now - leak.since).count());
  append_leak(events, leak, now);
}

// Blocks until somebody asks the host to stop, or it is tainted. Answers whether
// it is: then nothing can be loaded any more, and only a new process helps.
bool wait_until_told(const sigset_t &stops, const StrategyService &strategies) {
  for (;;) {
    const timespec moment{0, 50'000'000};
    if (sigtimedwait(&stops, nullptr, &moment) > 0)
      return false;
    if (strategies.status().tainted)
      return true;
  }
}

// A parked thread may hold the dynamic linker's lock, on which anything may wait: then the
// end comes without tidying up, soon enough to be back within a second.
constexpr auto tainted_end_limit = std::chrono::milliseconds(400);

void end_soon() {
  struct sigaction action {};
  action.sa_handler = [](int) { ::_exit(exit_tainted); };
  ::sigaction(SIGALRM, &action, nullptr);
  itimerval timer{};
  timer.it_value.tv_usec =
      std::chrono::duration_cast<std::chrono::microseconds>(tainted_end_limit).count();
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

int serve(const Settings &settings, const pool::ParamValues &params, const sigset_t &stops) {
  const Clock clock;
  Metrics metrics(clock.wall_ms());
  EventLog events(clock, events_kept); // these two before the pool, which tells of leaks to its end
  EventStream stream(events);
  LivePool pool(clock, settings.database, settings.seed);
  pool.on_connect([&](pool::Duration took) { metrics.connect_took(took); });
  const ServerWatch server_watch(clock, settings.monitor, application_of(settings.database));
  pool.watch_for_leaks(std::chrono::seconds(settings.leak_after),
                       [&](const SuspectedLeak &leak) { report_leak(events, leak, clock.now()); });
  StrategyService::Options options;
  options.folders = settings.strategies;
  options.copies = settings.copies;
  options.verifier = settings.verifier;
  options.seed = settings.seed;
  options.on_event = [&](const StrategyEvent &event) {
    append_strategy_event(events, event);
    if (event.kind == StrategyEvent::Kind::swapped)
      metrics.swapped(event.from, event.name, clock.wall_ms());
  };
  const SettingsChange saved = settings_at_start(settings.strategy_settings);
  options.settings = saved.settings.value_or(StrategySettings{});
  if (settings.at_most_half)
    options.share = [&server_watch] { return share_of(server_watch); };
  StrategyService strategies(clock, pool, options,
                             [&] { return server_view(server_watch, clock); });
  strategies.note_settings_problem(saved.problem);

  if (!settings.strategy.empty()) {
    try {
      (void)strategies.use(settings.strategy, params);
    } catch (const StrategyRefused &refused) {
      // The host serves all the same, on the plan that is compiled in.
      strategies.note_problem(settings.strategy + ": " + refused.what());
    }
  }

  const PoolReporter reporter(clock, pool, strategies, server_watch, metrics, events);
  HostFaults faults(clock, pool, events);
  Router router(clock, metrics, Gate(settings.origins));
  add_job_routes(router, pool);
  add_lab_routes(router, pool);
  add_fault_routes(router, faults);
  add_api_routes(router, strategies, reporter);
  add_pool_routes(router, pool, events);
  add_event_routes(router, events, stream);
  add_settings_routes(router, strategies);
  add_agent_routes(router, settings.agent);
  add_watching_routes(router, pool, strategies, server_watch, metrics, settings.page);
  HttpServer http(clock, settings.port, router, metrics);
  fmt::print("ready http://127.0.0.1:{}\n", http.port());
  std::fflush(stdout);
  end_at_once_by_exit();

  const bool tainted = wait_until_told(stops, strategies);
  if (tainted) // the agent reads whom to blame
    spdlog::info("tainted by {}: ending, to be started anew", strategies.status().tainted_by);
  else
    spdlog::info("stopping: draining");
  if (tainted)
    end_soon();
  http.drain();
  faults.clear_slow_connects();
  faults.clear_leak();
  pool.shut_down(tainted ? pool::Duration(200ms) : pool::Duration(10s));
  stream.stop();
  http.stop();
  spdlog::info("stopped");
  if (!tainted)
    strategies.shut_down();
  host_ends_by_itself();
  const StrategyStatus status = strategies.status();
  if (status.contained > 0) {
    // Parked threads may hold locks that a tidy end would wait for.
    spdlog::shutdown();
    std::_Exit(tainted ? exit_tainted : EXIT_SUCCESS);
  }
  return EXIT_SUCCESS;
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app{"Pool Strategy Lab: the job server. Started by the lab's agent."};
  Settings settings;
  describe(app, settings);
  pool::ParamValues params;
  try {
    app.parse(argc, argv);
    params = parse_params(settings.set);
  } catch (const CLI::ParseError &e) {
    return app.exit(e) == 0 ? EXIT_SUCCESS : exit_set_up_failed;
  }

  // A number of its own: a strategy may close 2.
  const int log = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
  spdlog::set_default_logger(std::make_shared<spdlog::logger>(
      "host", std::make_shared<LineSink>(log >= 0 ? log : STDERR_FILENO)));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
  spdlog::flush_on(spdlog::level::info);
  install_containment();
  std::signal(SIGPIPE, SIG_IGN);
  db::ignore_pg_environment();
  db::allow_open_files();
  // Blocked here, before any thread, so that only `wait_until_told` sees them.
  sigset_t stops;
  sigemptyset(&stops);
  sigaddset(&stops, SIGTERM);
  sigaddset(&stops, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stops, nullptr);

  try {
    if (settings.password_fd >= 0) {
      const std::string password = handed_password(settings.password_fd);
      for (std::string *conninfo : {&settings.database, &settings.monitor})
        *conninfo += " password=" + db::quoted_value(password);
    }
    return serve(settings, params, stops);
  } catch (const Poco::Net::NetException &e) {
    fmt::print(stderr, "lab_host: can't listen on 127.0.0.1:{}: {}; choose another with --port\n",
               settings.port, e.displayText());
  } catch (const std::exception &e) {
    fmt::print(stderr, "lab_host: {}\n", e.what());
  }
  return exit_set_up_failed;
}
