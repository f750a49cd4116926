// Whether a step is passed, from evidence and answers alone. [any thread]
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "loadtest/lab/path/evidence.hpp"
#include "loadtest/lab/path/progress.hpp"
#include "loadtest/lab/path/step.hpp"

namespace lab::path {

enum class Verdict {
  pass,
  unproven, // answered, but the machine was too busy for valid runs
  not_yet,
  invalid // the runs prove nothing
};

const char *verdict_name(Verdict verdict); // "pass", "unproven", "not yet", "invalid"

struct Finding {
  enum class Is { good, missing, wrong, unproven } is = Is::good;
  std::string text; // with the number that decided
};

struct Judged {
  Verdict verdict = Verdict::not_yet;
  std::vector<Finding> findings;          // of prediction, runs, expectations, answers
  std::vector<const PlannedRun *> to_run; // runs that are still missing
  // Runs that are there, and that an expectation which fails is about.
  std::vector<const PlannedRun *> to_repeat;
  std::vector<const Question *> open; // questions without a right answer, once the runs are there
  // Choices whose kept answer is none of their options (any more). Of a step that has ended it
  // counts on: the words were edited, the learner was right.
  std::vector<const Question *> reworded;
  bool runs_hold = false; // all runs are there and show what they must
};

// `step` must outlive what is returned.
Judged judge(const Step &step, const StepProgress &progress, const Evidence &evidence);

// Whether an answer is right, as it is kept.
bool right(const Question &question, const std::string &answer, const Facts &facts);

// The number that was typed where ms are asked: "783", "783 ms", "~783". Nothing when it is none,
// not one alone, or one of another unit: "3.4 s".
std::optional<double> number_in(const std::string &answer, const std::string &unit);

// The right answer as text: the option, or the number from the learner's own run.
std::string right_answer(const Question &question, const Facts &facts);

// The last of the tries was right, and came after all wrong options, or after
// many numbers.
bool guessed(const Question &question, const std::vector<std::string> &tries, const Facts &facts);

// The same of all that was done: who began the step anew knows still which option was left.
bool guessed(const Question &question, const StepProgress &done, const Facts &facts);

} // namespace lab::path
