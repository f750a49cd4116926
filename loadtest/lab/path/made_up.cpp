#include "loadtest/lab/path/made_up.hpp"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include <fmt/format.h>

#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/path/course.hpp"
#include "loadtest/lab/path/made_up_host.hpp"
#include "loadtest/lab/state.hpp"

namespace lab::path {

namespace fs = std::filesystem;
using nlohmann::json;

MadeUpFolder::MadeUpFolder() {
  std::string name = fs::temp_directory_path() / "pool-lab-path-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr)
    throw std::runtime_error("no temporary folder");
  path_ = name;
}

MadeUpFolder::~MadeUpFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path MadeUpFolder::write(const fs::path &name, const std::string &text) const {
  fs::create_directories((path_ / name).parent_path());
  std::ofstream(path_ / name, std::ios::binary) << text;
  return path_ / name;
}

MadeUpLab::MadeUpLab() : places_(folder_.path() / "home", folder_.path() / "work") {
  fs::create_directories(places_.path_steps().parent_path());
  fs::copy(real_steps(), places_.path_steps());
  fs::create_directories(places_.runs());
}

void MadeUpLab::record(const json &patch) {
  json run = made_up_run(patch);
  run["started_ms"] = now_ms() + ++recorded_;
  // The time in a folder's name orders them.
  const auto folder = fs::path("work") / ".lab" / "runs" /
                      fmt::format("20260131T2359{:02}Z-hold-fixed_tiny-1", recorded_);
  for (const char *file : {"run.json", "histograms.json"})
    folder_.write(folder / file, "{}");
  folder_.write(folder / "summary.json", run.dump());
}

void MadeUpLab::settings(const std::string &text) const {
  folder_.write(fs::path("work") / "my" / "settings.toml", text);
}

Progress MadeUpLab::progress() const {
  return read_progress(places_.progress());
}

void MadeUpLab::change(const std::function<void(Progress &)> &work) const {
  ProgressFile(places_.progress()).change(work);
}

void MadeUpLab::host_is_up() const {
  static const MadeUpHost host; // for all tests: to stop it takes a moment
  cli::StateFile(places_.state()).change([](cli::State &state) { state.port = host.port(); });
}

void MadeUpLab::host_is_down() const {
  const auto port = port_where_nobody_is();
  cli::StateFile(places_.state()).change([port](cli::State &state) { state.port = port; });
}

void MadeUpLab::edit_step(const std::string &stem, const std::string &old,
                          const std::string &text) const {
  const auto file = places_.path_steps() / (stem + ".toml");
  std::string all = cli::text_of_file(file).value_or("");
  const auto place = all.find(old);
  if (place == std::string::npos)
    throw std::logic_error(fmt::format("{} has no {}", stem, old));
  cli::write_whole(file, all.replace(place, old.size(), text));
}

Step step_from(const std::string &toml) {
  const MadeUpFolder folder;
  folder.write("1-step.toml", toml);
  return read_steps(folder.path()).front();
}

fs::path real_steps() {
  return fs::path(POOL_LAB_SOURCE) / "docs" / "path" / "steps";
}

const Step &real_step(const std::string &name) {
  static const std::vector<Step> steps = read_steps(real_steps());
  for (const Step &step : steps)
    if (step.name == name)
      return step;
  throw std::runtime_error("there is no step " + name);
}

json made_up_run(const json &patch) {
  json run = json::parse(R"({
    "strategy": "fixed_tiny", "params": {"max": 3, "wait_ms": 200}, "profile": "hold",
    "model": "open", "users": null, "hosts": 1, "seconds": 10, "stopped": false,
    "sent": 1200, "ok": 1200, "failed": {}, "failed_percent": 0,
    "rate": {"offered": 120, "achieved": 120, "ok": 120}, "rate_asked": 120, "hold_ms": 50,
    "latency_ms": {"p50": 52, "p99": 80},
    "pool": {"max_in_use": 3, "max_open": 3, "in_use_mean": 1, "limit": 3, "needed": 6,
      "turned_away_percent": 0, "waiting_max": 0, "wait_ms": {"mean": 0},
      "hold_ms": {"mean": 50, "max": 60}},
    "server": {"max_connections": 100, "reserved": 3, "available": 97}, "neighbour": null,
    "processor": {"postgres_percent": 4}, "settled": {"failed_percent": 0}, "fault": null,
    "by_second": [120, 120], "verdict": "pass", "why": "all went well",
    "guards": {"reasons": [], "codes": []}})");
  run.merge_patch(patch);
  return run;
}

std::vector<load::ListedRun> recorded(const std::vector<json> &newest_first) {
  std::vector<load::ListedRun> runs;
  std::size_t left = newest_first.size();
  for (const json &summary : newest_first) {
    json stored = summary;
    if (stored.is_object() && !stored.contains("started_ms"))
      stored["started_ms"] = predicted_ms + left;
    runs.push_back({fmt::format("/runs/run-{}", left--), stored});
  }
  return runs;
}

std::string failure_of(const std::function<void()> &work) {
  try {
    work();
  } catch (const cli::SetUpFailed &e) {
    return e.what();
  }
  return "";
}

} // namespace lab::path
