#include "loadtest/lab/path/evidence.hpp"

#include <algorithm>

#include "loadtest/figures.hpp"

namespace lab::path {
namespace {

using nlohmann::json;

// Shorter runs show chance, not the lesson.
constexpr double least_seconds = 4;

// What is kept of a run that counted: all that formulas and tables read.
json kept(json summary, const std::filesystem::path &folder) {
  summary["folder"] = folder.filename().string();
  summary.erase("by_second");
  return summary;
}

bool only_company(const json &summary) {
  const json codes = load::at(summary, "guards.codes");
  return codes.is_array() && !codes.empty() &&
         std::all_of(codes.begin(), codes.end(),
                     [](const json &code) { return code == "machine_busy"; });
}

} // namespace

Facts Evidence::facts() const {
  Facts facts;
  for (const auto &[name, run] : runs)
    facts.add(name, run.summary);
  facts.add("settings", settings);
  return facts;
}

bool fits(const PlannedRun &planned, const json &summary) {
  // A summary may be damaged: what can't be read fits nothing, and stops nobody.
  const auto says = [&](const char *key, const std::string &wanted) {
    return wanted.empty() || load::at(summary, key) == wanted;
  };
  if (!says("strategy", planned.strategy) || !says("profile", planned.profile) ||
      !says("model", planned.model))
    return false;
  if (load::at(summary, "stopped") == true || load::number_at(summary, "seconds") < least_seconds)
    return false;
  // What is meant by a pool's size is another thing with two servers.
  if (load::number_at(summary, "hosts", 1) != planned.hosts)
    return false;
  if (planned.condition.empty())
    return true;
  Facts own;
  own.add("", summary);
  return holds(planned.condition, own);
}

bool counts(const PlannedRun &planned, const json &summary) {
  return load::at(summary, "verdict") != "invalid" || (planned.company && only_company(summary));
}

Evidence collect(const Step &step, const StepProgress &progress,
                 const std::vector<load::ListedRun> &recorded) {
  Evidence evidence;
  for (const PlannedRun &planned : step.runs) {
    int invalid = 0; // since the valid one
    for (const load::ListedRun &run : recorded) {
      if (load::number_at(run.summary, "started_ms") < static_cast<double>(progress.predicted_ms) ||
          !fits(planned, run.summary))
        continue;
      if (counts(planned, run.summary)) {
        evidence.runs[planned.name] = {kept(run.summary, run.folder)};
        break;
      }
      if (++invalid == 1)
        evidence.invalid[planned.name] = kept(run.summary, run.folder);
    }
    evidence.invalid_in_turn[planned.name] = invalid;
    if (evidence.runs.contains(planned.name))
      continue;
    if (const auto before = progress.runs.find(planned.name); before != progress.runs.end())
      evidence.runs[planned.name] = {before->second, counts(planned, before->second)};
    else
      stand_in(evidence, planned.name);
  }
  return evidence;
}

void stand_in(Evidence &evidence, const std::string &planned) {
  const auto invalid = evidence.invalid.find(planned);
  if (invalid == evidence.invalid.end() || evidence.invalid_in_turn[planned] < invalid_runs_allowed)
    return;
  evidence.runs[planned] = {invalid->second, false};
}

Evidence kept_evidence(const StepProgress &progress, const std::vector<load::ListedRun> &recorded) {
  Evidence evidence;
  for (const auto &[name, before] : progress.runs) {
    json summary = before;
    for (const load::ListedRun &run : recorded)
      if (load::at(before, "folder") == run.folder.filename().string())
        summary = kept(run.summary, run.folder);
    evidence.runs[name] = {summary,
                           load::at(summary, "verdict") != "invalid" || !progress.unproven};
  }
  return evidence;
}

} // namespace lab::path
