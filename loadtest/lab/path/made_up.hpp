// What tests of the path's engine make up: a folder, steps, runs as they are
// recorded. Nothing is up and no load is sent. [one thread]
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "loadtest/lab/path/progress.hpp"
#include "loadtest/lab/path/step.hpp"
#include "loadtest/lab/places.hpp"
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

// A learner's lab as its folders have it: the real steps, progress, recorded runs, settings.
class MadeUpLab {
public:
  MadeUpLab();

  const cli::Places &places() const { return places_; }

  // A run that began after all before it, and after now: it counts for what was predicted.
  void record(const nlohmann::json &patch);
  void settings(const std::string &text) const;

  Progress progress() const;
  void change(const std::function<void(Progress &)> &work) const;

  // A host answers, or none does: then the settings can't be checked.
  void host_is_up() const;
  void host_is_down() const;

  // A step's file with one text in it replaced, as if the lab had been updated.
  void edit_step(const std::string &stem, const std::string &old, const std::string &text) const;

private:
  MadeUpFolder folder_;
  cli::Places places_;
  int recorded_ = 0;
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
