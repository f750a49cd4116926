#include "loadtest/lab/path/told.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "loadtest/lab/path/course.hpp"
#include "loadtest/lab/path/pace.hpp"

namespace lab::path {
namespace {

using nlohmann::json;

Facts known_facts(const Step &step, double pace, const Evidence &evidence) {
  Facts facts;
  for (const PlannedRun &planned : step.runs) {
    const Asked asked = asked_of(planned, pace);
    json ahead = json::object();
    if (asked.rate > 0)
      ahead["rate_asked"] = asked.rate;
    if (asked.hold_ms > 0)
      ahead["hold_ms"] = asked.hold_ms;
    facts.add(planned.name, ahead);
  }
  for (const auto &[name, run] : evidence.runs)
    facts.add(name, run.summary);
  return facts;
}

class Teller {
public:
  Teller(const Step &step, const Progress &progress, const Evidence &evidence)
      : facts_(known_facts(step, progress.pace, evidence)) {
    for (const PlannedRun &planned : step.runs)
      commands_[fmt::format("{{{}.commands}}", planned.name)] =
          fmt::format("{}", fmt::join(commands_for(planned, progress), ", then "));
  }

  void tell(std::string &text) const {
    if (text.find('{') == std::string::npos)
      return;
    for (const auto &[name, commands] : commands_)
      for (auto at = text.find(name); at != std::string::npos;
           at = text.find(name, at + commands.size()))
        text.replace(at, name.size(), commands);
    text = filled(text, facts_);
  }

  void tell(std::vector<Question> &questions) const {
    for (Question &question : questions) {
      tell(question.ask);
      tell(question.because);
      for (Option &option : question.options) {
        tell(option.text);
        tell(option.because);
      }
    }
  }

private:
  Facts facts_;
  std::map<std::string, std::string> commands_; // by the name in braces
};

} // namespace

Step told(const Step &step, const Progress &progress, const Evidence &evidence) {
  const Teller teller(step, progress, evidence);
  Step with_numbers = step;
  teller.tell(with_numbers.now);
  for (std::string &hint : with_numbers.hints)
    teller.tell(hint);
  teller.tell(with_numbers.predictions);
  for (PlannedRun &run : with_numbers.runs) {
    teller.tell(run.what);
    teller.tell(run.edit);
  }
  for (Expectation &expectation : with_numbers.expectations) {
    teller.tell(expectation.pass);
    teller.tell(expectation.fail);
  }
  teller.tell(with_numbers.questions);
  return with_numbers;
}

std::string pace_note(const Step &step, double pace) {
  for (const PlannedRun &planned : step.runs) {
    const Asked asked = asked_of(planned, pace);
    if (asked.rate != planned.rate)
      return fmt::format(
          "the load is smaller here, since the machine was busy: where the page says "
          "{} requests a second and {} ms, yours are {} and {} ms",
          planned.rate, planned.hold_ms, asked.rate, asked.hold_ms);
    if (asked.hold_ms != planned.hold_ms)
      return fmt::format(
          "the load is smaller here, since the machine was busy: where the page says "
          "{} ms, yours are {} ms",
          planned.hold_ms, asked.hold_ms);
  }
  return "";
}

} // namespace lab::path
