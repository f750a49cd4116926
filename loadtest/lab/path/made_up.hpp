// What tests of the path's engine make up: a folder, steps, runs as they are
// recorded. Nothing is up and no load is sent. [one thread]
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "loadtest/lab/path/step.hpp"
#include "loadtest/run_folder.hpp"

namespace lab::path {

// In the temporary folder, removed at the end.
class MadeUpFolder {
public:
  MadeUpFolder();
  ~MadeUpFolder();
  MadeUpFolder(const MadeUpFolder &) = delete;
  MadeUpFolder &operator=(const MadeUpFolder &) = delete;

  const std::filesystem::path &path() const { return path_; }

  // A file in it, with the folders that it needs.
  std::filesystem::path write(const std::filesystem::path &name, const std::string &text) const;

private:
  std::filesystem::path path_;
};

// The step that a text describes, as if it stood in 1-step.toml.
Step step_from(const std::string &toml);

// The lab's own steps, from docs/path/steps.
std::filesystem::path real_steps();
const Step &real_step(const std::string &name);

// A summary of a calm run of `hold` on fixed_tiny, with all that formulas read;
// changed by a JSON merge patch.
nlohmann::json made_up_run(const nlohmann::json &patch = nlohmann::json::object());

// As list_runs gives them. The first is the newest, and began last.
std::vector<load::ListedRun> recorded(const std::vector<nlohmann::json> &newest_first);

// When the prediction of a made-up step was locked: all of `recorded` came later.
inline constexpr int predicted_ms = 1000;

// What cli::SetUpFailed said; "" when nothing was thrown.
std::string failure_of(const std::function<void()> &work);

} // namespace lab::path
