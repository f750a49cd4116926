#include "loadtest/lab/path/made_up.hpp"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include <fmt/format.h>

#include "loadtest/lab/exit_status.hpp"

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
