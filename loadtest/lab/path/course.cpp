#include "loadtest/lab/path/course.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "loadtest/figures.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/host_api.hpp"
#include "loadtest/lab/path/pace.hpp"
#include "loadtest/lab/path/told.hpp"
#include "loadtest/lab/settings_file.hpp"
#include "loadtest/lab/state.hpp"
#include "loadtest/profile.hpp"

namespace lab::path {
namespace {

constexpr int short_route_minutes = 15;
constexpr int fast_seconds = 5;

// Older files keep the texts of options. While these are known they get their ids, so that a
// text that is edited later takes nothing from anybody.
void keep_ids(Progress &progress, const std::vector<Step> &steps) {
  const auto keep = [](const Question &question, std::string &answer) {
    if (const Option *meant = question.option(answer))
      answer = meant->kept();
  };
  for (const Step &step : steps) {
    const auto found = progress.steps.find(step.name);
    if (found == progress.steps.end())
      continue;
    StepProgress &done = found->second;
    for (const Question &question : step.predictions)
      if (const auto said = done.predictions.find(question.id); said != done.predictions.end())
        keep(question, said->second);
    for (const Question &question : step.questions)
      if (const auto tries = done.tries.find(question.id); tries != done.tries.end())
        for (std::string &answer : tries->second)
          keep(question, answer);
  }
}

} // namespace

const char *standing_name(Standing standing) {
  switch (standing) {
  case Standing::ahead:
    return "ahead";
  case Standing::begun:
    return "begun";
  case Standing::locked:
    return "predicted";
  case Standing::passed:
    return "passed";
  case Standing::unproven:
    return "unproven";
  case Standing::skipped:
    return "skipped";
  case Standing::broken:
    return "no longer holds";
  }
  return "";
}

Course::Course(const cli::Places &places)
    : steps_(read_steps(places.path_steps())), file_(places.progress()), progress_(file_.read()),
      recorded_(load::list_runs(places.runs())) {
  read_settings(places);
  for (Step &step : steps_) {
    // Before a prediction no run is the learner's own for this step.
    const bool ahead = !step.predictions.empty() && of(step).predicted_ms == 0;
    step = told(step, progress_, ahead ? Evidence() : evidence(step));
  }
}

void Course::read_settings(const cli::Places &places) {
  const auto text = cli::text_of_file(places.my_settings());
  if (!text)
    return;
  const cli::HostApi host(cli::StateFile(places.state()).read().port);
  try {
    settings_ = cli::settings_from(*text, [&host] { return host.strategies(); });
  } catch (const cli::SettingsMistake &e) {
    settings_problem_ = fmt::format("my/settings.toml {}", e.what());
  } catch (const std::exception &) {
    settings_known_ = false;
    settings_problem_ =
        "my/settings.toml can't be checked, since the lab is not up: scripts/lab up";
  }
}

const StepProgress &Course::of(const Step &step) const {
  static const StepProgress nothing;
  const auto found = progress_.steps.find(step.name);
  return found == progress_.steps.end() ? nothing : found->second;
}

std::vector<const Step *> Course::route() const {
  std::vector<const Step *> route;
  for (const Step &step : steps_)
    if (on_route(step))
      route.push_back(&step);
  return route;
}

bool Course::on_route(const Step &step) const {
  return progress_.minutes > short_route_minutes || step.in_short_route;
}

const Step &Course::step(const std::string &wanted) const {
  std::string names;
  for (const Step &step : steps_) {
    if (wanted == step.name || wanted == std::to_string(step.number) || wanted == step.stem())
      return step;
    names += fmt::format("{}{} {}", names.empty() ? "" : ", ", step.number, step.name);
  }
  throw cli::SetUpFailed(fmt::format("there is no step {}; there are {}", wanted, names));
}

Evidence Course::with_settings(Evidence evidence) const {
  evidence.settings = settings_;
  evidence.settings_problem = settings_problem_;
  evidence.settings_known = settings_known_;
  return evidence;
}

// A lab that is down takes nothing from what was done.
Step Course::judgeable(const Step &step) const {
  return settings_known_ ? step : step.without_settings();
}

bool Course::runs_hold(const Step &step, const StepProgress &done, const Evidence &evidence) const {
  return judge(judgeable(step), done, evidence).runs_hold;
}

bool Course::proves(const Step &step, const StepProgress &done, const Evidence &evidence) const {
  const auto findings = judge(judgeable(step), done, evidence).findings;
  return std::none_of(findings.begin(), findings.end(),
                      [](const Finding &finding) { return finding.is == Finding::Is::unproven; });
}

// What is recorded counts. Where it shows something wrong, and all that came after it was invalid,
// the machine was too busy to show anything else.
Evidence Course::fresh(const Step &step, const StepProgress &done,
                       const std::vector<load::ListedRun> &recorded) const {
  Evidence evidence = with_settings(collect(step, done, recorded));
  const Step judged_step = judgeable(step); // outlives what is judged of it
  for (const PlannedRun *planned : judge(judged_step, done, evidence).to_repeat)
    stand_in(evidence, planned->name);
  return evidence;
}

Evidence Course::evidence(const Step &step) const {
  const StepProgress &done = of(step);
  // What was left out half-way kept nothing.
  if (done.ended_ms == 0 || (done.skipped && done.runs.empty()))
    return fresh(step, done, recorded_);
  Evidence kept = with_settings(kept_evidence(done, recorded_));
  const bool holds = !done.skipped && runs_hold(step, done, kept);
  if (done.skipped || (holds && !done.unproven))
    return kept;
  // A size that was changed and measured again, or a machine that has become free. Whatever was run
  // after that, for another step, takes nothing from it: the newest runs are left out one by one.
  for (auto newest = recorded_.begin(); newest != recorded_.end(); ++newest) {
    if (holds &&
        load::number_at(newest->summary, "started_ms") < static_cast<double>(done.ended_ms))
      break; // as unproven as it was
    if (std::none_of(step.runs.begin(), step.runs.end(), [&newest](const PlannedRun &planned) {
          return fits(planned, newest->summary);
        }))
      continue;
    Evidence other = fresh(step, done, {newest, recorded_.end()});
    if (!runs_hold(step, done, other) || (holds && !proves(step, done, other)))
      continue;
    other.other = true;
    return other;
  }
  if (!holds)
    kept.invalid = collect(step, done, recorded_).invalid;
  return kept;
}

Standing Course::standing(const Step &step) const {
  const StepProgress &done = of(step);
  if (done.skipped)
    return Standing::skipped;
  if (done.ended_ms != 0)
    return !broken_by(step).empty() ? Standing::broken
           : done.unproven          ? Standing::unproven
                                    : Standing::passed;
  return done.predicted_ms != 0 ? Standing::locked
         : done.begun_ms != 0   ? Standing::begun
                                : Standing::ahead;
}

std::string Course::broken_by(const Step &step) const {
  const StepProgress &done = of(step);
  if (done.skipped || done.ended_ms == 0)
    return "";
  const Step judged_step = judgeable(step); // outlives what is judged of it
  const Evidence now = evidence(step);
  const Judged judged = judge(judged_step, done, now);
  if (judged.verdict == Verdict::pass || judged.verdict == Verdict::unproven)
    return "";
  // A better run is asked about in `check`. Nobody is sent back for it.
  if (done.unproven && now.other && judged.runs_hold &&
      runs_hold(step, done, with_settings(kept_evidence(done, recorded_))))
    return "";
  for (const Finding &finding : judged.findings)
    if (finding.is == Finding::Is::wrong || finding.is == Finding::Is::missing)
      return finding.text;
  return now.other ? fmt::format(
                         "another run of yours fits, and the answer to {} is about the one before",
                         judged.open.front()->id)
                   : "an answer in the progress file is not the right one";
}

std::string Course::mend(const Step &step) const {
  const std::string why = broken_by(step);
  if (why.empty())
    return "";
  const Step judged_step = judgeable(step); // outlives what is judged of it
  const Judged judged = judge(judged_step, of(step), evidence(step));
  const std::string way =
      judged.runs_hold && !judged.open.empty()
          ? fmt::format("Answer it anew: scripts/lab check {}", step.number)
          : fmt::format("Mend that, or begin it anew: scripts/lab again {}", step.number);
  return fmt::format("It was passed, and no longer holds: {}\n{}\n", why, way);
}

const Step *Course::current() const {
  for (const Step *step : route()) {
    const Standing standing = this->standing(*step);
    if (standing != Standing::passed && standing != Standing::skipped &&
        standing != Standing::unproven)
      return step;
  }
  return nullptr;
}

void Course::require_order(const Step &step) const {
  for (const Step *earlier : route())
    if (earlier->number < step.number) {
      const Standing stands = standing(*earlier);
      if (stands == Standing::ahead || stands == Standing::begun || stands == Standing::locked)
        throw cli::SetUpFailed(
            fmt::format("step {} ({}) comes first: see scripts/lab next, or scripts/lab skip {}",
                        earlier->number, earlier->name, earlier->number));
    }
}

void Course::change(const std::function<void(Progress &)> &change) {
  progress_ = file_.change([&](Progress &progress) {
    keep_ids(progress, steps_);
    change(progress);
  });
}

std::vector<std::string> commands_for(const PlannedRun &run, const Progress &progress) {
  const load::Profile usual = load::profile_named(run.profile);
  const auto [rate, hold] = asked_of(run, progress.pace);
  std::vector<std::string> commands;
  for (std::string command : run.commands) {
    const bool load = command.starts_with("load "), compare = command.starts_with("compare ");
    if ((load || compare) && rate > 0 && rate != usual.rate)
      command += fmt::format(" --rate {}", rate);
    if ((load || compare) && hold > 0 && hold != usual.hold.count())
      command += fmt::format(" --hold {}", hold);
    if (load && progress.fast)
      command += fmt::format(" --seconds {}", fast_seconds);
    commands.push_back("scripts/lab " + command);
  }
  return commands;
}

UnixMs now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

} // namespace lab::path
