#include "loadtest/lab/path/pace.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "loadtest/figures.hpp"

namespace lab::path {

using nlohmann::json;

bool too_busy(const json &summary) {
  static constexpr std::array of_load = {"not_sent", "lag", "generator_busy", "machine_busy"};
  const json codes = load::at(summary, "guards.codes");
  return codes.is_array() && std::any_of(codes.begin(), codes.end(), [](const json &code) {
           return std::any_of(of_load.begin(), of_load.end(),
                              [&code](const char *one) { return code == one; });
         });
}

double slower(double pace, const json &summary) {
  const double left = 1 - load::number_at(summary, "guards.others_percent") / 100;
  return std::max(least_pace, pace * std::clamp(left, 0.25, 0.5));
}

Asked asked_of(const PlannedRun &planned, double pace) {
  Asked asked{planned.rate, planned.hold_ms};
  if (asked.hold_ms <= 0)
    return asked;
  if (asked.rate > 0) {
    // Fewer requests that hold longer need as many connections: the lesson stays.
    const int needs = asked.rate * asked.hold_ms;
    asked.rate = std::max(1, static_cast<int>(std::lround(asked.rate * pace)));
    asked.hold_ms = static_cast<int>(std::lround(static_cast<double>(needs) / asked.rate));
  } else {
    asked.hold_ms = static_cast<int>(std::lround(asked.hold_ms / pace));
  }
  return asked;
}

bool asks_for_less(const PlannedRun &planned, double pace, const json &summary) {
  const Asked now = asked_of(planned, pace);
  // Users ask again when they are answered: a longer hold is fewer requests.
  return now.rate > 0 ? now.rate < load::number_at(summary, "rate_asked")
                      : now.hold_ms > 0 && now.hold_ms > load::number_at(summary, "hold_ms");
}

} // namespace lab::path
