#include "loadtest/lab/comparison_run.hpp"

#include <algorithm>

#include <unistd.h>

#include <fmt/format.h>

#include "loadtest/comparison.hpp"
#include "loadtest/run_folder.hpp"

namespace lab::cli {
namespace {

using nlohmann::json;

// The finished cells of one profile, related to each other.
struct Finished {
  load::Profile profile;
  std::vector<json> summaries;
};

Finished finish(const Places &places, const load::Profile &profile,
                std::vector<load::RunResult> &results) {
  Finished finished{profile, {}};
  for (const load::RunResult &result : results)
    finished.summaries.push_back(result.summary);
  load::relate(finished.summaries);
  for (std::size_t i = 0; i < results.size(); ++i) {
    results[i].summary = finished.summaries[i];
    load::write_run(places.runs(), results[i]);
  }
  return finished;
}

void print(const std::vector<Finished> &all, Terminal &terminal) {
  const load::Style style = load::style_for(::fileno(terminal.people()));
  for (const Finished &finished : all) {
    if (finished.summaries.empty())
      continue;
    terminal.say("");
    terminal.say(fmt::format("{}: {}", finished.profile.name, finished.profile.what));
    std::string table = load::comparison_table(finished.summaries, style);
    while (!table.empty() && table.back() == '\n')
      table.pop_back();
    terminal.say(table);
  }
}

Exit run_cells(const Comparison &comparison, CellRunner &runner, const Places &places,
               Terminal &terminal, std::vector<Finished> &all) {
  const std::size_t cells = comparison.profiles.size() * comparison.strategies.size();
  std::size_t number = 0;
  Exit exit = Exit::pass;
  for (const load::Profile &profile : comparison.profiles) {
    std::vector<load::RunResult> results;
    try {
      for (const Choice &strategy : comparison.strategies) {
        const std::string label =
            fmt::format("[{}/{}] {} on {}", ++number, cells, strategy.name, profile.name);
        results.push_back(runner.run({profile, strategy}, comparison.seed, label));
        terminal.say(result_line(results.back().summary));
        if (results.back().summary.value("verdict", "") == "invalid")
          exit = Exit::invalid;
      }
    } catch (...) { // what is finished is kept, whatever ended it
      all.push_back(finish(places, profile, results));
      throw;
    }
    all.push_back(finish(places, profile, results));
  }
  return exit;
}

void report_on(const std::vector<Finished> &all, const Places &places, const JsonOption &report,
               Terminal &terminal) {
  print(all, terminal);
  json list = json::array();
  for (const Finished &finished : all)
    for (const json &summary : finished.summaries)
      list.push_back(summary);
  if (!list.empty()) {
    terminal.say("");
    terminal.say("the runs are in " + places.runs().string());
  }
  report.write(list.dump(2));
}

} // namespace

std::vector<Cell> Comparison::cells() const {
  std::vector<Cell> all;
  for (const load::Profile &profile : profiles)
    for (const Choice &strategy : strategies)
      all.push_back({profile, strategy});
  return all;
}

void check_strategies(const HostApi &host, const std::vector<Choice> &strategies) {
  const json all = host.strategies();
  for (const Choice &wanted : strategies) {
    const auto found = std::find_if(all.begin(), all.end(), [&wanted](const json &listed) {
      return listed.at("name") == wanted.name;
    });
    if (found == all.end())
      throw SetUpFailed(
          fmt::format("there is no strategy called {}: see scripts/lab strategies", wanted.name));
    if (!found->at("usable").get<bool>())
      throw SetUpFailed(fmt::format("{} can't be used: {}", wanted.name,
                                    found->at("problem").get<std::string>()));
    for (const auto &[name, value] : wanted.params) {
      const auto param =
          std::find_if(found->at("params").begin(), found->at("params").end(),
                       [&setting = name](const json &p) { return p.at("name") == setting; });
      if (param == found->at("params").end())
        throw SetUpFailed(fmt::format("{} has no setting called {}: see scripts/lab strategies",
                                      wanted.name, name));
      if (value < param->at("min").get<double>() || value > param->at("max").get<double>())
        throw SetUpFailed(fmt::format("{}.{} must be {} to {}, not {}", wanted.name, name,
                                      param->at("min").get<double>(),
                                      param->at("max").get<double>(), value));
    }
  }
}

Exit run_comparison(const Places &places, const Comparison &comparison, const JsonOption &report,
                    Terminal &terminal) {
  const Interrupt interrupt;
  CellRunner runner(places, comparison.command, terminal, interrupt);
  std::vector<Finished> all;
  Exit exit = Exit::pass;
  try {
    exit = run_cells(comparison, runner, places, terminal, all);
  } catch (const Interrupted &) {
    terminal.say("interrupted: the cells that are finished are kept");
    exit = Exit::interrupted;
  } catch (...) {
    report_on(all, places, report, terminal);
    throw;
  }
  report_on(all, places, report, terminal);
  return exit;
}

} // namespace lab::cli
