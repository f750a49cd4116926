// How far a learner has come: one file, $LAB_WORK/.lab/progress.json. What stands
// in it is evidence (predictions, answers, runs); whether a step is passed is
// worked out from it anew each time (judge.hpp).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace lab::path {

using UnixMs = std::int64_t; // milliseconds since 1970; 0: never

// What the learner has done of one step.
struct StepProgress {
  UnixMs begun_ms = 0;     // first shown, or worked at
  UnixMs predicted_ms = 0; // only runs that began later count
  UnixMs ended_ms = 0;     // passed, unproven or skipped for the first time
  // By question: an option's id (in older files its text), or a number as it was typed.
  std::map<std::string, std::string> predictions;
  std::map<std::string, std::vector<std::string>> tries; // answers, by question, in turn
  std::map<std::string, nlohmann::json>
      runs; // by planned run: the summary that counted, with "folder"
  int checks = 0;
  int hints = 0; // the highest level shown
  bool solution_shown = false;
  bool skipped = false;
  bool unproven = false;               // the machine was too busy for a valid run, three times
  std::vector<nlohmann::json> earlier; // before `again`
};

struct Progress {
  std::string learner;                       // a name for the report
  std::uint64_t salt = 0;                    // the order of options is drawn from it
  int minutes = 45;                          // 15: the short route
  bool fast = false;                         // runs of 5 s
  double pace = 1;                           // share of the steps' rates that this machine gives
  std::string slowed_by;                     // the run that lowered it last
  std::map<std::string, StepProgress> steps; // by name

  bool begun() const { return !steps.empty(); }
};

class ProgressFile { // [any thread, any process]
public:
  explicit ProgressFile(std::filesystem::path file) : file_(std::move(file)) {}

  // A new one when there is none. Throws cli::SetUpFailed when it can't be
  // understood: it is never overwritten then.
  Progress read() const;

  // Reads, changes, writes; nobody else changes it meanwhile.
  Progress change(const std::function<void(Progress &)> &change) const;

private:
  std::filesystem::path file_;
};

// Of any file, for reports on a whole class. Throws as `read`.
Progress read_progress(const std::filesystem::path &file);

nlohmann::json to_json(const Progress &progress);

} // namespace lab::path
