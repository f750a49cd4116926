// The whole path as it stands for one learner: steps, progress, what is recorded. Every
// command of the path begins with it. [one thread]
#pragma once

#include <string>
#include <vector>

#include "loadtest/lab/path/evidence.hpp"
#include "loadtest/lab/path/judge.hpp"
#include "loadtest/lab/path/progress.hpp"
#include "loadtest/lab/path/step.hpp"
#include "loadtest/lab/places.hpp"

namespace lab::path {

// Where a step stands.
enum class Standing {
  ahead,  // nothing done
  begun,  // seen, not predicted
  locked, // predicted
  passed,
  unproven, // ended, but on a machine that was too busy
  skipped,
  broken // was passed, and no longer holds
};

const char *standing_name(Standing standing); // "ahead", ...

class Course {
public:
  // Reads all. Throws cli::SetUpFailed.
  explicit Course(const cli::Places &places);

  // Their texts are told with the learner's own numbers.
  const std::vector<Step> &steps() const { return steps_; }
  const Progress &progress() const { return progress_; }
  const ProgressFile &file() const { return file_; }
  const StepProgress &of(const Step &step) const; // what was done of it, maybe nothing

  // The steps of the route that was chosen, in order.
  std::vector<const Step *> route() const;
  bool on_route(const Step &step) const;

  // By number or name. Throws cli::SetUpFailed, which names those there are.
  const Step &step(const std::string &wanted) const;

  // The first of the route that is not behind the learner; nothing: all are.
  const Step *current() const;

  // Evidence as it is now. Of a step that has ended what counted then; where that no longer holds,
  // other recorded runs that do.
  Evidence evidence(const Step &step) const;
  Standing standing(const Step &step) const;

  // Why a step that was passed no longer holds; "" when it does, or when that can't be
  // seen while the lab is down.
  std::string broken_by(const Step &step) const;

  // What is said of such a step, with the way out; "" when it holds.
  std::string mend(const Step &step) const;

  // Throws cli::SetUpFailed when an earlier step of the route is still to be done.
  void require_order(const Step &step) const;

  // Changes the progress file, and this with it.
  void change(const std::function<void(Progress &)> &change);

private:
  Evidence with_settings(Evidence evidence) const;
  Evidence fresh(const Step &step, const StepProgress &done,
                 const std::vector<load::ListedRun> &recorded) const;
  Step judgeable(const Step &step) const;
  bool runs_hold(const Step &step, const StepProgress &done, const Evidence &evidence) const;
  bool proves(const Step &step, const StepProgress &done, const Evidence &evidence) const;
  void read_settings(const cli::Places &places);

  std::vector<Step> steps_;
  ProgressFile file_;
  Progress progress_;
  std::vector<load::ListedRun> recorded_;
  nlohmann::json settings_ = nlohmann::json::object();
  std::string settings_problem_;
  bool settings_known_ = true;
};

// What to type for a run: with the rate that this machine gives, and in fast mode
// short. "scripts/lab load hold --rate 20".
std::vector<std::string> commands_for(const PlannedRun &run, const Progress &progress);

UnixMs now_ms();

} // namespace lab::path
