// pool_simulation: random schedules over the pool core, and the replay of one.
#include <cstdint>
#include <string>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "host/pool/simulation/campaign.hpp"

int main(int argc, char **argv) {
  using namespace lab::pool::simulation;
  CLI::App app("Random schedules of events over the pool core; every promise is checked after "
               "every event. Exit status: 0 all held, 1 one broke.");
  std::uint64_t seed = 1;
  std::uint64_t schedules = 200'000;
  int events = 200;
  unsigned threads = std::thread::hardware_concurrency();
  bool tell = false;
  app.add_option("--seed", seed, "Of the first schedule; the others follow")->capture_default_str();
  app.add_option("--schedules", schedules, "How many")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--events", events, "In each, at least")
      ->capture_default_str()
      ->check(CLI::Range(10, 100'000));
  app.add_option("--threads", threads, "That run them")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
  app.add_flag("--replay", tell,
               "Run the schedule of --seed alone, and print every event and action");
  CLI11_PARSE(app, argc, argv);

  if (tell) {
    const std::string told = replay(seed, events);
    fmt::print("{}", told);
    return told.find("!!") == std::string::npos ? 0 : 1;
  }
  const Found found = run_schedules(seed, schedules, events, threads);
  if (found.broken) {
    fmt::print("seed {}, event {}: {}\n"
               "again, told in full: pool_simulation --replay --seed {} --events {}\n",
               found.broken->seed, found.broken->events, found.broken->what, found.broken->seed,
               events);
    return 1;
  }
  fmt::print("{}{} schedules, every promise held\n", found.coverage.table(), found.schedules);
  return 0;
}
