// What is known of a step at a moment: which of the recorded runs count for it,
// and what stands in my/settings.toml. [any thread]
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "loadtest/lab/path/formula.hpp"
#include "loadtest/lab/path/progress.hpp"
#include "loadtest/lab/path/step.hpp"
#include "loadtest/run_folder.hpp"

namespace lab::path {

// After this many invalid runs in turn, and no valid one that shows what it must, the newest
// invalid one is taken: a machine that is too busy must not end the path.
inline constexpr int invalid_runs_allowed = 3;

struct Evidence {
  struct Run {
    nlohmann::json summary; // with "folder", the run's name
    bool proven = true;     // false: it is invalid, and stands in for one that never came
  };
  std::map<std::string, Run> runs; // by planned run
  // The newest invalid one, where no valid one came after it, and how many there are in turn.
  std::map<std::string, nlohmann::json> invalid;
  std::map<std::string, int> invalid_in_turn;
  nlohmann::json settings = nlohmann::json::object(); // tables of my/settings.toml
  bool other = false;           // others than those kept, which no longer hold
  std::string settings_problem; // one line, or ""
  bool settings_known = true;   // false: they can't be looked at now

  Facts facts() const;
};

// Whether a run is the one that is meant, valid or not.
bool fits(const PlannedRun &planned, const nlohmann::json &summary);

// Whether it may count: finished, and its verdict says that it proves something.
bool counts(const PlannedRun &planned, const nlohmann::json &summary);

// Of the runs that began after the prediction the newest that counts, for each run of the
// step; the one that counted before when the recorded ones were removed meanwhile.
// `recorded`: newest first.
Evidence collect(const Step &step, const StepProgress &progress,
                 const std::vector<load::ListedRun> &recorded);

// Where too many runs of a planned one were invalid in turn, the newest of them is taken, unproven.
void stand_in(Evidence &evidence, const std::string &planned);

// Of a step that has ended: the runs that counted then, as they are recorded still, or as they
// were kept. A later run, made for another reason, changes nothing.
Evidence kept_evidence(const StepProgress &progress, const std::vector<load::ListedRun> &recorded);

} // namespace lab::path
