#include "loadtest/matrix/report_data.hpp"

#include <array>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "loadtest/figures.hpp"
#include "loadtest/histogram.hpp"
#include "loadtest/matrix/timeline.hpp"
#include "loadtest/profile_json.hpp"
#include "loadtest/run_folder.hpp"

namespace lab::matrix {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

using ProfileAndArm = std::pair<std::size_t, std::size_t>;

double ms(std::chrono::nanoseconds time) {
  return load::rounded(static_cast<double>(time.count()) / 1e6);
}

json cell_json(const Design &design, const Cell &cell, std::size_t place, const json &summary) {
  json all = {{"cell", name_of(design, cell)},
              {"profile", design.profiles[cell.profile].name},
              {"arm", design.arms[cell.arm].name},
              {"block", cell.block},
              {"place", place + 1},
              {"verdict", summary.value("verdict", "")},
              {"why", summary.value("why", "")},
              {"p99_of_ok_ms", load::at(summary, "latency_ms.p99")},
              {"connection_seconds", load::at(summary, "pool.connection_seconds")}};
  for (const Measure &measure : measures())
    all[measure.name] = load::at(summary, measure.path);
  return all;
}

// Tenths up to nine in ten, then finer: where strategies differ is the end.
json points_of(const load::Histogram &histogram) {
  json points = json::array();
  const auto add = [&](int per_1000) {
    points.push_back({per_1000 / 1000.0, ms(histogram.quantile(per_1000))});
  };
  for (int per_1000 = 0; per_1000 < 900; per_1000 += 100)
    add(per_1000);
  for (int per_1000 = 900; per_1000 < 990; per_1000 += 10)
    add(per_1000);
  for (int per_1000 = 990; per_1000 <= 999; ++per_1000)
    add(per_1000);
  return points;
}

// Where each cell's run is.
std::unordered_map<std::string, fs::path> runs_of(const Folder &folder) {
  std::unordered_map<std::string, fs::path> all;
  for (const load::ListedRun &run : load::list_runs(folder.path() / "runs"))
    all.emplace(run.summary.value("cell", ""), run.folder);
  return all;
}

json design_json(const Design &design) {
  json profiles = json::array(), arms = json::array();
  for (const load::Profile &profile : design.profiles)
    profiles.push_back(load::json_of(profile));
  for (const Arm &arm : design.arms)
    arms.push_back({{"arm", arm.name},
                    {"strategy", arm.strategy},
                    {"params", arm.params},
                    {"longer_hold_percent", arm.longer_hold_percent}});
  return {{"profiles", profiles}, {"arms", arms}, {"blocks", design.blocks}, {"seed", design.seed}};
}

json measures_json() {
  json all = json::array();
  for (const Measure &measure : measures())
    all.push_back({{"name", measure.name},
                   {"unit", measure.unit},
                   {"ratio", measure.ratio},
                   {"matters", measure.matters},
                   {"more_is_better", measure.more_is_better}});
  return all;
}

} // namespace

json report_data(const Folder &folder) {
  const Design &design = folder.design();
  const auto runs = runs_of(folder);
  json cells = json::array(), machine, facts;
  std::map<ProfileAndArm, load::Histogram> latencies;
  std::map<ProfileAndArm, json> timelines;
  for (std::size_t place = 0; place < folder.cells().size(); ++place) {
    if (!folder.summaries()[place])
      continue;
    const Cell &cell = folder.cells()[place];
    const json &summary = *folder.summaries()[place];
    cells.push_back(cell_json(design, cell, place, summary));
    const auto run = runs.find(name_of(design, cell));
    if (run == runs.end() || summary.value("verdict", "") == "invalid")
      continue;
    const ProfileAndArm of{cell.profile, cell.arm};
    latencies[of].merge(load::read_histogram(run->second, "latency"));
    if (!timelines.contains(of))
      timelines[of] = drawn(load::read_timeline(run->second));
    if (machine.is_null()) {
      const json about = load::read_about(run->second);
      machine = about.value("machine", json());
      facts = about.value("facts", json());
    }
  }
  json curves = json::array(), shown = json::array();
  for (const auto &[of, histogram] : latencies)
    if (histogram.count() > 0)
      curves.push_back({{"profile", design.profiles[of.first].name},
                        {"arm", design.arms[of.second].name},
                        {"count", histogram.count()},
                        {"points", points_of(histogram)}});
  for (auto &[of, timeline] : timelines) {
    timeline["profile"] = design.profiles[of.first].name;
    timeline["arm"] = design.arms[of.second].name;
    shown.push_back(std::move(timeline));
  }
  return {{"matrix", folder.name()},
          {"left", folder.left()},
          {"design", design_json(design)},
          {"analysis", analyse(design, folder.finished())},
          {"machine", machine},
          {"facts", facts},
          {"measures", measures_json()},
          {"cells", cells},
          {"curves", curves},
          {"timelines", shown}};
}

} // namespace lab::matrix
