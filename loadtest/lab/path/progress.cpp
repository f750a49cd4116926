#include "loadtest/lab/path/progress.hpp"

#include <random>

#include <fmt/format.h>

#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/files.hpp"

namespace lab::path {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(StepProgress, begun_ms, predicted_ms, ended_ms,
                                                predictions, tries, runs, checks, hints,
                                                solution_shown, skipped, unproven, earlier)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Progress, learner, salt, minutes, fast, pace,
                                                slowed_by, steps)

nlohmann::json to_json(const Progress &progress) {
  return progress;
}

Progress read_progress(const std::filesystem::path &file) {
  const auto text = cli::text_of_file(file);
  if (!text)
    return {};
  try {
    return nlohmann::json::parse(*text).get<Progress>();
  } catch (const nlohmann::json::exception &e) {
    throw cli::SetUpFailed(fmt::format("{} can't be understood ({}): move it away to begin the "
                                       "path anew",
                                       file.string(), e.what()));
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
                   to_json(progress).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) +
                       "\n");
  return progress;
}

} // namespace lab::path
