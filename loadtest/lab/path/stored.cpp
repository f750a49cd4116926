#include "loadtest/lab/path/stored.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "loadtest/figures.hpp"

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

} // namespace

std::vector<std::string> guessed_questions(const Step &step, const StepProgress &done,
                                           const Facts &facts) {
  std::vector<std::string> ids;
  for (const Question &question : step.questions)
    if (guessed(question, done, facts))
      ids.push_back(question.id);
  return ids;
}

Stored stored_standing(const Step &step, const StepProgress &done) {
  if (done.skipped)
    return {Standing::skipped, false, ""};
  if (done.ended_ms == 0)
    return {done.predicted_ms != 0 ? Standing::locked
            : done.begun_ms != 0   ? Standing::begun
                                   : Standing::ahead,
            false, ""};
  const Step judgeable = step.without_settings();
  const Evidence evidence = kept_evidence(done, {});
  const Judged judged = judge(judgeable, done, evidence);
  Stored stored{Standing::passed, !guessed_questions(step, done, evidence.facts()).empty(),
                doubt_of(judged)};
  for (const PlannedRun &planned : step.runs)
    if (stored.doubt.empty())
      stored.doubt = doubt_of_run(planned, done);
  if (!stored.doubt.empty())
    stored.standing = Standing::broken;
  else if (done.unproven || judged.verdict == Verdict::unproven)
    stored.standing = Standing::unproven;
  return stored;
}

} // namespace lab::path
