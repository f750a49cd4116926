// calibrate.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "loadtest/calibration/calibration.hpp"
#include "loadtest/figures.hpp"
#include "loadtest/lab/bring_up.hpp"
#include "loadtest/lab/cells.hpp"
#include "loadtest/lab/commands.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/load_options.hpp"
#include "loadtest/machine.hpp"
#include "loadtest/random.hpp"

namespace lab::cli {
namespace {

using calibration::Curve;
using calibration::Measured;
using calibration::Work;
using nlohmann::json;

struct Options {
  std::uint64_t seed = 1;
  double seconds = 2;
  JsonOption json;
};

// What the server has room for, with some left for others.
int room_of(const Running &running) {
  const json server = running.host().pool().at("server");
  constexpr int left_free = 5;
  return std::max(1, server.at("max_connections").get<int>() - server.at("reserved").get<int>() -
                         server.at("others").get<int>() - left_free);
}

Curve measure(Work work, std::vector<int> sizes, const Options &options, CellRunner &runner,
              Terminal &terminal) {
  work.profile.measure = std::chrono::milliseconds(std::llround(options.seconds * 1000));
  load::Random(options.seed).shuffle(sizes); // so that a drift of the machine is no slope
  std::vector<Measured> measured;
  for (const int size : sizes) {
    Cell cell{work.profile,
              Choice{safe_strategy, {{"max", size}, {"max_waiting", 1000}, {"wait_ms", 10'000}}}};
    cell.profile.users = calibration::users_for(size);
    const std::string label =
        fmt::format("{} with {} connection{}", work.name, size, size == 1 ? "" : "s");
    const load::RunResult result = runner.run(cell, options.seed, label);
    const double rate = load::number_at(result.summary, "rate.ok");
    const bool valid = result.summary.value("verdict", "") != "invalid";
    terminal.say(
        fmt::format("{}: {} a second{}", label, load::shown(json(load::rounded(rate))),
                    valid ? "" : "; left out, invalid: " + result.summary.value("why", "")));
    if (valid && rate > 0)
      measured.push_back({static_cast<double>(size), rate});
  }
  return calibration::curve_of(work.name, std::move(measured));
}

Exit run(const Places &places, const Options &options) {
  Terminal terminal(options.json.to_output());
  const Running running = bring_up(places);
  if (running.hosts.size() > 1)
    throw SetUpFailed(fmt::format("calibrate measures one host, and {} are up: scripts/lab up "
                                  "--hosts 1",
                                  running.hosts.size()));
  const std::vector<int> sizes = calibration::sizes(room_of(running));
  const std::vector<Work> works = calibration::works();
  terminal.say(fmt::format(
      "{} kinds of work at {} pool sizes, about {} s", works.size(), sizes.size(),
      std::lround(static_cast<double>(works.size() * sizes.size()) * (options.seconds + 1))));
  const Interrupt interrupt;
  CellRunner runner(places, "lab calibrate", terminal, interrupt);
  json curves = json::array();
  for (const Work &work : works)
    curves.push_back(calibration::json_of(measure(work, sizes, options, runner, terminal)));
  const json all = {{"measured", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                                             fmt::gmtime(std::chrono::system_clock::to_time_t(
                                                 std::chrono::system_clock::now())))},
                    {"machine", load::machine_facts()},
                    {"curves", curves}};
  write_whole(places.calibration(), all.dump(2) + "\n");
  for (std::size_t i = 0; i < works.size(); ++i) {
    terminal.say(fmt::format("\n{}: {}", works[i].name, works[i].what));
    std::string text = calibration::text_of(curves[i]);
    text.pop_back();
    terminal.say(text);
  }
  terminal.say("kept in " + places.calibration().string());
  options.json.write(all.dump(2));
  return Exit::pass;
}

} // namespace

void add_calibrate(CLI::App &lab, Chosen &chosen) {
  CLI::App *command = lab.add_subcommand(
      "calibrate",
      "What this machine's PostgreSQL gives at several pool sizes, for each kind of work");
  auto options = std::make_shared<Options>();
  command->add_option("--seed", options->seed, "Of the requests and the order")->option_text("S");
  command
      ->add_option("--seconds", options->seconds, "Measured at each size, 0.1 to 60; 2 if left out")
      ->check(CLI::Range(0.1, 60.0))
      ->option_text("N");
  options->json.add_to(*command);
  command->callback([&chosen, options] {
    chosen.action = [options](const Places &places) { return run(places, *options); };
  });
}

} // namespace lab::cli
