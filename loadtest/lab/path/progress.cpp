#include "loadtest/lab/path/progress.hpp"

#include <algorithm>
#include <random>

#include <fmt/format.h>

#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/path/pace.hpp"

namespace lab::path {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(StepProgress, begun_ms, predicted_ms, ended_ms,
                                                predictions, tries, runs, checks, hints,
                                                solution_shown, skipped, unproven, earlier)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Progress, learner, salt, minutes, fast, pace,
                                                slowed_by, steps)

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

[[noreturn]] void refuse(const fs::path &file, const std::string &why) {
  throw cli::SetUpFailed(fmt::format("{} can't be understood ({}): move it away to begin the "
                                     "path anew",
                                     file.string(), why));
}

// The next change would drop what is unknown.
void refuse_unknown(const fs::path &file, const json &stored, const json &known) {
  for (const auto &[key, value] : stored.items())
    if (!known.contains(key))
      refuse(file, fmt::format("{} is unknown here: is it a newer lab's, or another file?", key));
}

} // namespace

json to_json(const Progress &progress) {
  return progress;
}

Progress read_progress(const fs::path &file) {
  std::error_code ignored;
  const fs::file_status there = fs::symlink_status(file, ignored);
  if (!fs::exists(there))
    return {};
  if (fs::is_directory(there))
    refuse(file, "it is a folder");
  const auto text = cli::text_of_file(file);
  if (!text)
    refuse(file, "it can't be read");
  try {
    const json stored = json::parse(*text);
    auto progress = stored.get<Progress>();
    const json known = to_json(progress);
    refuse_unknown(file, stored, known);
    for (const auto &[name, step] : progress.steps)
      refuse_unknown(file, stored.at("steps").at(name), known.at("steps").at(name));
    if (!(progress.pace > 0 && progress.pace <= 1))
      refuse(file, "pace must be above 0 and at most 1");
    progress.pace = std::max(least_pace, progress.pace); // it was slowed down further once
    return progress;
  } catch (const json::exception &e) {
    refuse(file, e.what());
  }
}

Progress ProgressFile::read() const {
  return read_progress(file_);
}

Progress ProgressFile::change(const std::function<void(Progress &)> &change) const {
  const auto one_at_a_time = cli::FileLock::wait_for(file_.string() + ".lock");
  Progress progress = read();
  if (progress.salt == 0)
    progress.salt = std::random_device{}() | 1U;
  change(progress);
  cli::write_whole(file_,
                   to_json(progress).dump(2, ' ', false, json::error_handler_t::replace) + "\n");
  return progress;
}

} // namespace lab::path
