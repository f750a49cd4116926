#include "loadtest/lab/path/stored.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "loadtest/figures.hpp"
#include "loadtest/lab/path/told.hpp"

namespace lab::path {
namespace {

using nlohmann::json;

// A run may be kept only if it could have counted when the step was ended.
std::string doubt_of_run(const PlannedRun &planned, const StepProgress &done) {
  const auto kept = done.runs.find(planned.name);
  if (kept == done.runs.end())
    return "no run is kept of " + planned.what;
  const json &run = kept->second;
  if (!fits(planned, run))
    return fmt::format("the run that is kept as {} is not {}", planned.name, planned.what);
  if (!counts(planned, run) && !done.unproven)
    return fmt::format("the run that is kept as {} is invalid", planned.name);
  if (load::number_at(run, "started_ms") < static_cast<double>(done.predicted_ms))
    return fmt::format("the run that is kept as {} began before the prediction", planned.name);
  return "";
}

std::string doubt_of(const Judged &judged) {
  for (const Finding &finding : judged.findings)
    if (finding.is == Finding::Is::wrong || finding.is == Finding::Is::missing)
      return finding.text;
  for (const Question *question : judged.open)
    return fmt::format("the answer to {} is not the right one", question->id);
  return "";
}

// What is damaged in the file counts as nothing.
bool ended_before(const StepProgress &done) {
  return std::any_of(done.earlier.begin(), done.earlier.end(), [](const json &before) {
    return load::number_at(before, "ended_ms") > 0 && load::at(before, "skipped") != true;
  });
}

std::string note_of(const Judged &judged, const StepProgress &done) {
  if (judged.reworded.empty() || done.ended_ms == 0)
    return "";
  return fmt::format("the answer to {} is none of the options that this lab has, and counted when "
                     "the step ended",
                     judged.reworded.front()->id);
}

} // namespace

std::vector<std::string> guessed_questions(const Step &step, const StepProgress &done,
                                           const Facts &facts) {
  std::vector<std::string> ids;
  for (const Question &question : step.questions)
    if (guessed(question, done, facts))
      ids.push_back(question.id);
  return ids;
}

Stored stored_standing(const Step &untold, const StepProgress &done) {
  Stored stored;
  // Runs are kept only of a step that has ended: one that is skipped later had stood.
  stored.earlier = ended_before(done) || (done.skipped && !done.runs.empty());
  if (done.skipped || done.ended_ms == 0) {
    stored.standing = done.skipped             ? Standing::skipped
                      : done.predicted_ms != 0 ? Standing::locked
                      : done.begun_ms != 0     ? Standing::begun
                                               : Standing::ahead;
    return stored;
  }
  const Evidence evidence = kept_evidence(done, {});
  const Step step = told(untold, Progress(), evidence);
  const Step judgeable = step.without_settings();
  const Judged judged = judge(judgeable, done, evidence);
  stored.guessed = !guessed_questions(step, done, evidence.facts()).empty();
  stored.doubt = doubt_of(judged);
  for (const PlannedRun &planned : step.runs)
    if (stored.doubt.empty())
      stored.doubt = doubt_of_run(planned, done);
  if (!stored.doubt.empty()) {
    stored.standing = Standing::broken;
    return stored;
  }
  const bool unproven = done.unproven || judged.verdict == Verdict::unproven;
  stored.standing = unproven ? Standing::unproven : Standing::passed;
  stored.note = note_of(judged, done);
  stored.earlier = false;
  return stored;
}

} // namespace lab::path
