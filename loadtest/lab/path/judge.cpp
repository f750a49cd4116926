#include "loadtest/lab/path/judge.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "loadtest/figures.hpp"

namespace lab::path {
namespace {

using Is = Finding::Is;

constexpr std::size_t numbers_before_guessing = 4;

std::string shown(double value) {
  return std::isnan(value) ? "?" : load::shown(load::rounded(value));
}

// "{}" is the number that decides.
std::string with_value(std::string text, const std::string &value) {
  if (const auto place = text.find("{}"); place != std::string::npos)
    text.replace(place, 2, value);
  return text;
}

// Nothing holds or fails before all that an expectation names is there.
bool known(const Expectation &expectation, const Evidence &evidence) {
  for (const std::string &name : names_in(expectation.that)) {
    const std::string root = name.substr(0, name.find('.'));
    if (root == "settings" ? !evidence.settings_known : !evidence.runs.contains(root))
      return false;
  }
  return true;
}

bool proven(const Expectation &expectation, const Evidence &evidence) {
  for (const std::string &name : names_in(expectation.that)) {
    const auto run = evidence.runs.find(name.substr(0, name.find('.')));
    if (run != evidence.runs.end() && !run->second.proven)
      return false;
  }
  return true;
}

void judge_runs(const Step &step, const Evidence &evidence, Judged &judged) {
  for (const PlannedRun &planned : step.runs) {
    const auto run = evidence.runs.find(planned.name);
    if (run != evidence.runs.end() && run->second.proven)
      continue; // its expectations speak
    if (run != evidence.runs.end()) {
      judged.findings.push_back(
          {Is::unproven, fmt::format("{}: {} runs in turn were invalid, so it stays unproven",
                                     planned.what, invalid_runs_allowed)});
      continue;
    }
    judged.to_run.push_back(&planned);
    if (const auto invalid = evidence.invalid.find(planned.name); invalid != evidence.invalid.end())
      judged.findings.push_back(
          {Is::unproven, fmt::format("{}: {}", planned.what, invalid->second.value("why", ""))});
    else
      judged.findings.push_back({Is::missing, "no run yet of " + planned.what});
  }
}

bool any_wrong(const Judged &judged) {
  return std::any_of(judged.findings.begin(), judged.findings.end(),
                     [](const Finding &finding) { return finding.is == Is::wrong; });
}

void judge_expectations(const Step &step, const Evidence &evidence, Judged &judged) {
  const Facts facts = evidence.facts();
  std::set<std::string> failing; // what is named where something is wrong
  if (step.uses_settings() && !evidence.settings_problem.empty())
    judged.findings.push_back(
        {evidence.settings_known ? Is::wrong : Is::missing, evidence.settings_problem});
  for (const Expectation &expectation : step.expectations) {
    if (!known(expectation, evidence))
      continue;
    const std::string value = shown(evaluate(expectation.value, facts));
    if (holds(expectation.that, facts))
      judged.findings.push_back({Is::good, with_value(expectation.pass, value)});
    else if (!expectation.of_the_machine && proven(expectation, evidence)) {
      judged.findings.push_back({Is::wrong, with_value(expectation.fail, value)});
      for (const std::string &name : names_in(expectation.that))
        failing.insert(name.substr(0, name.find('.')));
    } else if (!expectation.of_the_machine)
      judged.findings.push_back({Is::unproven, with_value(expectation.fail, value)});
    else if (!any_wrong(judged)) // else that is why, not the machine
      judged.findings.push_back({Is::unproven, with_value(expectation.fail, value)});
  }
  for (const PlannedRun &planned : step.runs)
    if (failing.contains(planned.name))
      judged.to_repeat.push_back(&planned);
}

// What was run after them tells more than they do, also where it proves nothing.
void judge_newer(const Evidence &evidence, Judged &judged) {
  for (const PlannedRun *planned : judged.to_repeat)
    if (const auto newer = evidence.invalid.find(planned->name); newer != evidence.invalid.end())
      judged.findings.push_back(
          {Is::unproven, fmt::format("{}: the newest run of it is invalid: {}", planned->what,
                                     newer->second.value("why", ""))});
}

void judge_answers(const Step &step, const StepProgress &progress, const Facts &facts,
                   Judged &judged) {
  for (const Question &question : step.questions) {
    const auto tries = progress.tries.find(question.id);
    if (tries != progress.tries.end() && !tries->second.empty() && question.is_choice() &&
        question.option(tries->second.back()) == nullptr) {
      judged.reworded.push_back(&question);
      const bool ended = progress.ended_ms != 0;
      judged.findings.push_back(
          {ended ? Is::good : Is::missing,
           fmt::format("{}: what you answered is no longer among the options{}. Answer it anew: "
                       "scripts/lab check {} --answer {}=...",
                       question.id, ended ? ", and still counts" : "", step.number, question.id)});
      if (!ended)
        judged.open.push_back(&question);
      continue;
    }
    if (tries == progress.tries.end() || tries->second.empty() ||
        !right(question, tries->second.back(), facts)) {
      judged.open.push_back(&question);
      continue;
    }
    judged.findings.push_back(
        {Is::good,
         fmt::format("{}: {}{}{}", question.id, question.said(tries->second.back()),
                     question.is_choice() || question.unit.empty() ? "" : " " + question.unit,
                     guessed(question, progress, facts) ? " (guessed)" : "")});
  }
}

// What an answer begins with as a number, NaN when it is none, and the text behind it.
std::pair<double, std::string_view> number_and_rest(const std::string &answer) {
  const char *begin = answer.c_str();
  while (*begin == ' ' || *begin == '~')
    ++begin;
  char *end = nullptr;
  const double value = std::strtod(begin, &end);
  return {end == begin || !std::isfinite(value) ? std::nan("") : value, end};
}

// What is kept has passed by the rule of its day, which let any word follow: "783 milliseconds".
double kept_number(const std::string &answer) {
  const auto [value, behind] = number_and_rest(answer);
  return behind.find_first_of("0123456789") == std::string_view::npos ? value : std::nan("");
}

bool all_tried(const Question &question, const std::vector<std::string> &tries) {
  return std::all_of(question.options.begin(), question.options.end(), [&](const Option &option) {
    return std::any_of(tries.begin(), tries.end(), [&](const std::string &answer) {
      return question.option(answer) == &option;
    });
  });
}

// What is damaged in the file counts as nothing.
std::vector<std::string> earlier_tries(const nlohmann::json &before, const Question &question) {
  std::vector<std::string> tries;
  const nlohmann::json all = load::at(before, "tries");
  const auto given = all.is_object() ? all.find(question.id) : all.end();
  if (given != all.end() && given->is_array())
    for (const nlohmann::json &one : *given)
      if (one.is_string())
        tries.push_back(one.get<std::string>());
  return tries;
}

} // namespace

const char *verdict_name(Verdict verdict) {
  switch (verdict) {
  case Verdict::pass:
    return "pass";
  case Verdict::unproven:
    return "unproven";
  case Verdict::not_yet:
    return "not yet";
  case Verdict::invalid:
    return "invalid";
  }
  return "";
}

Judged judge(const Step &step, const StepProgress &progress, const Evidence &evidence) {
  Judged judged;
  if (!step.predictions.empty() && progress.predicted_ms == 0) {
    judged.findings.push_back({Is::missing, "predict first: a run counts once you have said what "
                                            "you expect (scripts/lab predict)"});
    return judged;
  }
  judge_runs(step, evidence, judged);
  judge_expectations(step, evidence, judged);
  judge_newer(evidence, judged);
  const auto any = [&](Is is) {
    return std::any_of(judged.findings.begin(), judged.findings.end(),
                       [is](const Finding &finding) { return finding.is == is; });
  };
  judged.runs_hold = !any(Is::wrong) && !any(Is::missing) && judged.to_run.empty();
  if (!judged.runs_hold) {
    const bool all_invalid = !judged.to_run.empty() && !any(Is::wrong) && !any(Is::missing);
    judged.verdict = all_invalid ? Verdict::invalid : Verdict::not_yet;
    return judged;
  }
  judge_answers(step, progress, evidence.facts(), judged);
  if (judged.open.empty())
    judged.verdict = any(Is::unproven) ? Verdict::unproven : Verdict::pass;
  return judged;
}

bool right(const Question &question, const std::string &answer, const Facts &facts) {
  if (question.is_choice())
    return question.option(answer) == &question.right_option();
  const double wanted = evaluate(question.number, facts), given = kept_number(answer);
  // A number that is read off a table is rounded there.
  const double allowed = std::max(std::abs(wanted) * question.within, 1e-9);
  return !std::isnan(wanted) && std::abs(given - wanted) <= allowed;
}

std::optional<double> number_in(const std::string &answer, const std::string &unit) {
  auto [value, behind] = number_and_rest(answer);
  // "1,500", "47 / 3" and "3.4 s" begin with a number that nobody meant.
  while (behind.starts_with(' '))
    behind.remove_prefix(1);
  while (behind.ends_with(' '))
    behind.remove_suffix(1);
  if (std::isnan(value) || (!behind.empty() && behind != unit))
    return std::nullopt;
  return value;
}

std::string right_answer(const Question &question, const Facts &facts) {
  return question.is_choice() ? question.right_option().text
                              : shown(evaluate(question.number, facts));
}

bool guessed(const Question &question, const std::vector<std::string> &tries, const Facts &facts) {
  if (tries.empty() || !right(question, tries.back(), facts))
    return false;
  if (!question.is_choice())
    return tries.size() > numbers_before_guessing;
  return all_tried(question, tries);
}

bool guessed(const Question &question, const StepProgress &done, const Facts &facts) {
  const auto tries = done.tries.find(question.id);
  if (tries == done.tries.end() || tries->second.empty() ||
      !right(question, tries->second.back(), facts))
    return false;
  return guessed(question, tries->second, facts) ||
         (question.is_choice() &&
          std::any_of(done.earlier.begin(), done.earlier.end(), [&](const nlohmann::json &before) {
            return all_tried(question, earlier_tries(before, question));
          }));
}

} // namespace lab::path
