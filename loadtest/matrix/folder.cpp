#include "loadtest/matrix/folder.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <unordered_map>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "loadtest/figures.hpp"
#include "loadtest/profile_json.hpp"
#include "loadtest/run_folder.hpp"

namespace lab::matrix {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

[[noreturn]] void fail(const std::string &what, const fs::path &path, const std::string &why) {
  throw std::runtime_error(fmt::format("can't {} {}: {}", what, path.string(), why));
}

// Aside, then in place: whole or not at all.
void write(const fs::path &file, const json &content) {
  const fs::path aside = file.parent_path() / fmt::format(".{}", file.filename().string());
  std::ofstream out(aside, std::ios::binary);
  out << content.dump(2) << '\n';
  out.close();
  std::error_code error;
  if (out)
    fs::rename(aside, file, error);
  if (!out || error)
    fail("write", file, "is there room on that disk, and is it yours?");
}

json json_of(const Arm &arm) {
  return {{"arm", arm.name},
          {"strategy", arm.strategy},
          {"params", arm.params},
          {"longer_hold_percent", arm.longer_hold_percent}};
}

Arm arm_of(const json &json) {
  return {json.at("arm"), json.at("strategy"), json.at("params"), json.at("longer_hold_percent")};
}

// `cells` follows from the rest, as this version draws the order; another's may have drawn it
// otherwise, so what was begun is gone on with by what stands here.
json json_of(const Design &design, const std::vector<Cell> &cells) {
  json profiles = json::array(), arms = json::array(), names = json::array();
  for (const load::Profile &profile : design.profiles)
    profiles.push_back(load::json_of(profile));
  for (const Arm &arm : design.arms)
    arms.push_back(json_of(arm));
  for (const Cell &cell : cells)
    names.push_back({{"cell", name_of(design, cell)}, {"seed", cell.seed}});
  return {{"profiles", profiles},
          {"arms", arms},
          {"blocks", design.blocks},
          {"seed", design.seed},
          {"cells", names}};
}

Design design_of(const json &json) {
  Design design;
  for (const auto &profile : json.at("profiles"))
    design.profiles.push_back(load::profile_of(profile));
  for (const auto &arm : json.at("arms"))
    design.arms.push_back(arm_of(arm));
  design.blocks = json.at("blocks");
  design.seed = json.at("seed");
  return design;
}

// Throws when they are not the design's.
std::vector<Cell> cells_in(const json &json, const Design &design) {
  std::unordered_map<std::string, Cell> known;
  for (const Cell &cell : cells_of(design))
    known[name_of(design, cell)] = cell;
  std::vector<Cell> cells;
  for (const auto &one : json.at("cells")) {
    cells.push_back(known.at(one.at("cell")));
    cells.back().seed = one.at("seed");
  }
  if (cells.size() != known.size())
    throw std::runtime_error("not all of its runs stand there");
  return cells;
}

std::uintmax_t size_of(const fs::path &folder) {
  std::uintmax_t bytes = 0;
  std::error_code error;
  for (const auto &entry : fs::recursive_directory_iterator(folder, error)) {
    std::error_code ignored;
    const std::uintmax_t size = entry.file_size(ignored);
    bytes += ignored ? 0 : size;
  }
  return bytes;
}

// Newest first: their names are times.
std::vector<fs::path> matrices_in(const fs::path &matrices) {
  std::vector<fs::path> found;
  std::error_code error;
  for (const auto &entry : fs::directory_iterator(matrices, error))
    if (fs::exists(entry.path() / "matrix.json", error))
      found.push_back(entry.path());
  std::sort(found.rbegin(), found.rend());
  return found;
}

} // namespace

Folder::Folder(fs::path path, Design design, std::vector<Cell> cells)
    : path_(std::move(path)), design_(std::move(design)), cells_(std::move(cells)),
      summaries_(cells_.size()), runs_(cells_.size()) {}

Folder Folder::begin(const fs::path &matrices, const Design &design,
                     std::chrono::system_clock::time_point now) {
  const std::string time =
      fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
  fs::path path = matrices / time;
  std::error_code error;
  fs::create_directories(matrices, error);
  for (int n = 2; !error && !fs::create_directory(path, error) && !error; ++n)
    path = matrices / fmt::format("{}-{}", time, n);
  if (error)
    fail("make", path, error.message());
  Folder folder(path, design, cells_of(design));
  write(path / "matrix.json", json_of(design, folder.cells_));
  return folder;
}

Folder Folder::open(const fs::path &path) {
  std::ifstream in(path / "matrix.json", std::ios::binary);
  if (!in)
    fail("read", path / "matrix.json", "there is no such matrix");
  try {
    const json all = json::parse(in);
    const Design design = design_of(all);
    Folder folder(path, design, cells_in(all, design));
    folder.read_runs();
    return folder;
  } catch (const std::exception &e) {
    fail("read", path / "matrix.json",
         fmt::format("another version wrote it, or it is damaged ({}); scripts/lab matrix begins a "
                     "new one",
                     e.what()));
  }
}

void Folder::read_runs() {
  std::unordered_map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < cells_.size(); ++i)
    places[name_of(design_, cells_[i])] = i;
  for (load::ListedRun &run : load::list_runs(path_ / "runs"))
    if (const auto place = places.find(run.summary.value("cell", "")); place != places.end()) {
      summaries_[place->second] = std::move(run.summary);
      runs_[place->second] = std::move(run.folder);
    }
}

std::vector<Finished> Folder::finished() const {
  std::vector<Finished> all;
  for (std::size_t i = 0; i < cells_.size(); ++i)
    if (summaries_[i])
      all.push_back({cells_[i], *summaries_[i]});
  return all;
}

std::size_t Folder::left() const {
  return static_cast<std::size_t>(std::count(summaries_.begin(), summaries_.end(), std::nullopt));
}

std::string Folder::unlike_the_others(std::size_t cell, const json &summary) const {
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    if (cells_[i].arm != cells_.at(cell).arm || !summaries_[i])
      continue;
    const std::string &name = design_.arms[cells_[i].arm].name;
    const auto differs = [&](const char *what) {
      const json before = load::at(*summaries_[i], what), now = load::at(summary, what);
      return !before.is_null() && !now.is_null() && before != now;
    };
    if (differs("build"))
      return fmt::format("{} was built anew since this matrix began", name);
    if (differs("params"))
      return fmt::format("{} has other settings than when this matrix began ({}, and {} then)",
                         name, load::at(summary, "params").dump(),
                         load::at(*summaries_[i], "params").dump());
  }
  return "";
}

std::size_t Folder::forget_torn(std::chrono::system_clock::time_point now) {
  struct Group {
    bool torn = false;
    std::int64_t newest_ms = 0;
  };
  std::map<std::pair<int, std::size_t>, Group> groups; // of each block and profile
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    Group &group = groups[{cells_[i].block, cells_[i].profile}];
    if (summaries_[i])
      group.newest_ms =
          std::max(group.newest_ms, summaries_[i]->value("started_ms", std::int64_t{0}));
    else
      group.torn = true;
  }
  const auto oldest = std::chrono::duration_cast<std::chrono::milliseconds>(
      (now - longest_pause).time_since_epoch());
  std::size_t forgotten = 0;
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    const Group &group = groups[{cells_[i].block, cells_[i].profile}];
    if (!summaries_[i] || !group.torn || group.newest_ms >= oldest.count())
      continue;
    std::error_code error;
    fs::remove_all(runs_[i], error);
    if (error)
      fail("remove", runs_[i], error.message());
    summaries_[i].reset();
    ++forgotten;
  }
  return forgotten;
}

void Folder::keep(std::size_t cell, load::RunResult &result) {
  result.summary["cell"] = name_of(design_, cells_.at(cell));
  runs_.at(cell) =
      load::write_run(path_ / "runs", result, std::numeric_limits<std::uintmax_t>::max());
  summaries_.at(cell) = result.summary;
}

void Folder::write_analysis(const json &analysis) const {
  write(path_ / "analysis.json", analysis);
}

std::optional<fs::path> newest(const fs::path &matrices) {
  const std::vector<fs::path> all = matrices_in(matrices);
  return all.empty() ? std::nullopt : std::optional(all.front());
}

void prune(const fs::path &matrices, std::uintmax_t keep_bytes) {
  std::uintmax_t total = 0;
  bool first = true;
  for (const fs::path &folder : matrices_in(matrices)) {
    total += size_of(folder);
    std::error_code error;
    if (!first && total > keep_bytes)
      fs::remove_all(folder, error);
    first = false;
  }
}

} // namespace lab::matrix
