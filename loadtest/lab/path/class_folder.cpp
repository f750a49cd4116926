// Reading a class: which files are progress files, and what they say.
#include <algorithm>
#include <system_error>

#include <fmt/format.h>

#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/path/class_table.hpp"
#include "loadtest/lab/path/effort.hpp"

namespace lab::path {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// Progress files of the lab are far below both. Files that others hand in may be anything.
constexpr std::uintmax_t largest_bytes = 20'000'000;
constexpr int deepest = 64;

// One file is not as it should be; the others are read on.
class NotProgress : public std::runtime_error {
public:
  using std::runtime_error::runtime_error;
};

void require_shape(const std::string &text) {
  const auto shallow = [](int depth, json::parse_event_t, json &) {
    return depth <= deepest ? true : throw NotProgress("it is no progress file");
  };
  json all;
  try {
    all = json::parse(text, shallow);
  } catch (const json::exception &e) {
    throw NotProgress(fmt::format("it is damaged ({})", e.what()));
  }
  // Every progress file has both, and no other file of the lab does.
  if (!all.is_object() || !all.contains("salt") || !all.contains("steps") ||
      !all["steps"].is_object())
    throw NotProgress("it is no progress file");
}

ClassRow row_of(const fs::path &file, const std::vector<Step> &steps) {
  std::error_code problem;
  const auto size = fs::file_size(file, problem);
  if (!problem && size > largest_bytes)
    throw NotProgress("it is too large for a progress file");
  const auto text = problem ? std::nullopt : cli::text_of_file(file);
  if (!text)
    throw NotProgress("it can't be read");
  require_shape(*text);
  try {
    const Progress progress = read_progress(file);
    ClassRow row;
    row.learner = progress.learner;
    row.route_minutes = progress.minutes;
    for (const Step &step : steps) {
      const auto found = progress.steps.find(step.name);
      const StepProgress done = found == progress.steps.end() ? StepProgress() : found->second;
      row.steps.push_back(stored_standing(step, done));
      const Effort effort = total_effort(done);
      row.hints += effort.hints;
      row.solutions += effort.solution_shown ? 1 : 0;
      if (effort.taken && !done.skipped)
        row.taken += *effort.taken;
    }
    return row;
  } catch (const json::exception &e) {
    throw NotProgress(fmt::format("it is damaged ({})", e.what()));
  } catch (const cli::SetUpFailed &) {
    throw NotProgress("it is damaged (values of another type than the lab writes)");
  }
}

class Reader {
public:
  Reader(fs::path folder, ClassTable &table) : folder_(std::move(folder)), table_(table) {}

  void read(const fs::path &folder) {
    std::vector<fs::directory_entry> entries;
    std::error_code problem;
    fs::directory_iterator entry(folder, problem);
    for (; !problem && entry != fs::directory_iterator(); entry.increment(problem))
      entries.push_back(*entry);
    if (problem)
      leave_out(folder, fmt::format("it can't be read: {}", problem.message()));
    std::sort(entries.begin(), entries.end());
    for (const fs::directory_entry &found : entries)
      look_at(found);
  }

private:
  void look_at(const fs::directory_entry &entry) {
    const fs::path &path = entry.path();
    std::error_code problem;
    const fs::file_status status = entry.symlink_status(problem);
    if (fs::is_directory(status)) {
      if (!recorded_by_a_lab(path))
        read(path);
      return;
    }
    if (path.extension() != ".json")
      return;
    if (fs::is_symlink(status))
      return leave_out(path, "it is a link, which is not followed");
    if (!fs::is_regular_file(status))
      return leave_out(path, "it is no file");
    try {
      table_.rows.push_back(row_of(path, table_.steps));
      table_.rows.back().file = name_of(path);
    } catch (const NotProgress &e) {
      leave_out(path, e.what());
    }
  }

  static bool recorded_by_a_lab(const fs::path &folder) {
    return folder.parent_path().filename() == ".lab" &&
           (folder.filename() == "runs" || folder.filename() == "reports");
  }

  std::string name_of(const fs::path &path) const {
    return path.lexically_relative(folder_).string();
  }

  void leave_out(const fs::path &path, const std::string &why) {
    table_.left_out.push_back({name_of(path), printable(why)});
  }

  const fs::path folder_;
  ClassTable &table_;
};

} // namespace

ClassTable read_class(const fs::path &folder, std::vector<Step> steps) {
  std::error_code problem;
  const fs::path real = fs::canonical(folder, problem);
  if (problem || !fs::is_directory(real, problem))
    throw cli::SetUpFailed(
        fmt::format("{} is no folder: name the one in which the learners' progress files are",
                    folder.string()));
  ClassTable table{std::move(steps), {}, {}};
  Reader(real, table).read(real);
  std::sort(table.rows.begin(), table.rows.end(), [](const ClassRow &a, const ClassRow &b) {
    return std::pair(a.name(), a.file) < std::pair(b.name(), b.file);
  });
  return table;
}

} // namespace lab::path
