// pool_bench: our pool beside HikariCP, SOCI, Poco and a plain mutex, in one run.
// README.md says how to run it and how to read what it prints.
#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "db/connection.hpp"
#include "host/bench/comparison.hpp"
#include "host/bench/parts.hpp"
#include "host/bench/table.hpp"
#include "host/containment.hpp"

namespace {

using namespace lab;
using namespace lab::bench;
using namespace std::chrono_literals;

constexpr int exit_wrong_usage = 64;
constexpr int exit_interrupted = 130;

struct Settings {
  std::vector<int> threads = {1, 2, 8, 50};
  std::vector<std::string> pools = {"ours", "hikari", "soci", "poco", "mutex"};
  int slice_ms = 500;
  int held_ms = 1000;
  std::uint32_t seed = 1;
};

void describe(CLI::App &app, Settings &settings) {
  app.add_option("--threads", settings.threads, "Numbers of threads that share 10 connections")
      ->delimiter(',')
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--pools", settings.pools, "Which pools; ratios need \"ours\"")
      ->delimiter(',')
      ->check(CLI::IsMember({"ours", "hikari", "soci", "poco", "mutex"}))
      ->capture_default_str();
  app.add_option("--slice-ms", settings.slice_ms, "Length of a slice")
      ->check(CLI::Range(10, 60'000))
      ->capture_default_str();
  app.add_option("--held-ms", settings.held_ms, "Length of a slice with held connections")
      ->check(CLI::Range(10, 10'000))
      ->capture_default_str();
  app.add_option("--seed", settings.seed, "Seed of the order of pools in a round")
      ->capture_default_str();
  app.footer("All --benchmark_... options of Google Benchmark hold too. Those that matter:\n"
             "  --benchmark_filter=free/      only the kinds free/, waits/, held/ or part/\n"
             "  --benchmark_repetitions=8     rounds\n"
             "  --benchmark_out=FILE          every slice as JSON\n"
             "  --benchmark_format=json       the same on standard output; tables go to stderr");
}

// Google Benchmark's own report is for one pool after the other; side by side is
// print_free's. Of its runs only the parts are shown, at the end.
class Parts : public benchmark::BenchmarkReporter {
public:
  bool ReportContext(const Context &) override { return true; }
  void ReportRuns(const std::vector<Run> &runs) override {
    for (const Run &run : runs) {
      if (run.error_occurred)
        fmt::print(stderr, "{}: {}\n", run.benchmark_name(), run.error_message);
      const std::string name = run.run_name.function_name;
      if (name.starts_with("part/") && run.aggregate_name == "median")
        parts_.push_back({name.substr(5), run.GetAdjustedRealTime()});
    }
  }
  void print(std::FILE *to) const {
    if (parts_.empty())
      return;
    fmt::print(to, "\nParts of ours, one thread, median\n");
    for (const auto &[name, ns] : parts_)
      fmt::print(to, "{:<48}{:>10.1f} ns\n", name, ns);
  }

private:
  std::vector<std::pair<std::string, double>> parts_;
};

// Rounds and random order unless the caller says otherwise: what comes later holds.
std::vector<char *> with_defaults(std::vector<std::string> &defaults, int argc, char **argv) {
  std::vector<char *> all = {argv[0]};
  for (std::string &one : defaults)
    all.push_back(one.data());
  std::copy(argv + 1, argv + argc, std::back_inserter(all));
  all.push_back(nullptr);
  return all;
}

void report(benchmark::State &state, const Measured &measured) {
  state.SetIterationTime(std::chrono::duration<double>(measured.took).count());
  state.SetItemsProcessed(static_cast<std::int64_t>(measured.total()));
  const auto [least, most] =
      std::minmax_element(measured.operations.begin(), measured.operations.end());
  state.counters["operations_per_second"] = measured.per_second();
  state.counters["thread_min"] = static_cast<double>(*least);
  state.counters["thread_max"] = static_cast<double>(*most);
  if (measured.retries > 0)
    state.counters["retries"] = static_cast<double>(measured.retries);
  if (measured.waits.count() == 0)
    return;
  state.counters["wait_p50_ns"] = static_cast<double>(measured.waits.quantile(500).count());
  state.counters["wait_p999_ns"] = static_cast<double>(measured.waits.quantile(999).count());
  state.counters["wait_max_ns"] = static_cast<double>(measured.waits.max().count());
}

void register_slices(Comparison &comparison) {
  for (std::size_t i = 0; i < comparison.pools().size(); ++i) {
    const std::string name = fmt::format("{}/{}/threads:{}", comparison.name(),
                                         comparison.pools()[i]->name(), comparison.slice().threads);
    benchmark::RegisterBenchmark(name.c_str(),
                                 [&comparison, i](benchmark::State &state) {
                                   const std::size_t before = comparison.rounds();
                                   for (auto _ : state)
                                     report(state, comparison.next(i));
                                   if (comparison.rounds() > before)
                                     fmt::print(stderr, "{}, {} threads: round {}\n",
                                                comparison.name(), comparison.slice().threads,
                                                comparison.rounds());
                                 })
        ->UseManualTime()
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
  }
}

std::atomic<bool> interrupted{false};

[[noreturn]] void stand_still() {
  for (;;)
    ::pause();
}

// Ctrl-C ends the private PostgreSQL and removes its folder, as a run to the end does.
// Requests that lose their database meanwhile stand still.
void end_tidily_on(const sigset_t &stops) {
  std::thread([stops] {
    int signal = 0;
    sigwait(&stops, &signal);
    interrupted = true;
    std::set_terminate(stand_still);
    std::exit(exit_interrupted);
  }).detach();
}

std::vector<std::unique_ptr<Contender>> make_pools(const Settings &settings) {
  const std::map<std::string, std::function<std::unique_ptr<Contender>()>> make = {
      {"ours", make_ours},
      {"hikari", make_hikari},
      {"soci", make_soci},
      {"poco", make_poco},
      {"mutex", make_mutex}};
  std::vector<std::unique_ptr<Contender>> pools;
  for (const std::string &name : settings.pools)
    pools.push_back(make.at(name)());
  return pools;
}

void run(const Settings &settings, bool own_report) {
  const auto pools = make_pools(settings);
  std::vector<Contender *> all;
  std::vector<Contender *> waiting;
  for (const auto &pool : pools) {
    all.push_back(pool.get());
    if (pool->waits())
      waiting.push_back(pool.get());
  }

  const std::chrono::milliseconds length(settings.slice_ms);
  std::deque<Comparison> speed;
  std::deque<Comparison> waits;
  for (const int threads : settings.threads) {
    speed.emplace_back("free", Slice{.threads = threads, .length = length}, all, settings.seed);
    waits.emplace_back("waits",
                       Slice{.threads = threads, .length = length / 2, .record = Record::waits},
                       all, settings.seed);
  }
  Comparison held("held",
                  Slice{.connections = 2,
                        .threads = 4,
                        .length = std::chrono::milliseconds(settings.held_ms),
                        .hold = 1ms,
                        .record = Record::moments},
                  waiting, settings.seed);

  for (std::size_t i = 0; i < speed.size(); ++i) {
    register_slices(speed[i]);
    register_slices(waits[i]);
  }
  register_slices(held);
  std::unique_ptr<GovernedPool> pool_of_parts;
  register_parts(pool_of_parts);

  std::FILE *const to = own_report ? stdout : stderr;
  Parts parts;
  benchmark::RunSpecifiedBenchmarks(own_report ? &parts : nullptr);
  for (std::size_t i = 0; i < speed.size(); ++i)
    print_free(to, speed[i], waits[i]);
  print_held(to, held);
  parts.print(to);
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app{"Measures acquire + give back, no statement in between: our pool beside HikariCP, "
               "SOCI, Poco and a plain mutex."};
  Settings settings;
  describe(app, settings);

  const bool asks_for_help = std::any_of(argv, argv + argc, [](const char *argument) {
    return std::string(argument) == "--help" || std::string(argument) == "-h";
  });
  const bool own_report = std::none_of(argv, argv + argc, [](const char *argument) {
    return std::string(argument).starts_with("--benchmark_format");
  });
  std::vector<std::string> defaults = {"--benchmark_repetitions=8",
                                       "--benchmark_enable_random_interleaving=true"};
  std::vector<char *> arguments = with_defaults(defaults, argc, argv);
  int count = static_cast<int>(arguments.size()) - 1;
  if (!asks_for_help) // else it would answer with its own
    benchmark::Initialize(&count, arguments.data());
  try {
    if (asks_for_help)
      app.parse(argc, argv);
    else
      app.parse(count, arguments.data());
  } catch (const CLI::ParseError &e) {
    return app.exit(e) == 0 ? EXIT_SUCCESS : exit_wrong_usage;
  }

  // As the host does, before any thread.
  spdlog::set_default_logger(spdlog::stderr_logger_mt("pool_bench"));
  spdlog::set_level(spdlog::level::warn);
  host::install_containment();
  std::signal(SIGPIPE, SIG_IGN);
  db::ignore_pg_environment();
  sigset_t stops;
  sigemptyset(&stops);
  sigaddset(&stops, SIGINT);
  sigaddset(&stops, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stops, nullptr);
  end_tidily_on(stops);

  try {
    run(settings, own_report);
  } catch (const std::exception &e) {
    if (interrupted)
      stand_still(); // the thread that ends the program is not done yet
    fmt::print(stderr, "pool_bench: {}\n", e.what());
    return exit_wrong_usage;
  }
  return EXIT_SUCCESS;
}
