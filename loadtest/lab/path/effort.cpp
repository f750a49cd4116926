#include "loadtest/lab/path/effort.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "loadtest/figures.hpp"

namespace lab::path {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

// A file that was edited by hand may end before it begins.
std::optional<milliseconds> between(UnixMs begun, UnixMs ended) {
  if (begun <= 0 || ended < begun)
    return std::nullopt;
  return milliseconds(ended - begun);
}

std::int64_t whole_number(const json &from, const char *name, double most) {
  return static_cast<std::int64_t>(std::clamp(load::number_at(from, name), 0.0, most));
}

} // namespace

Effort effort_of(const StepProgress &done) {
  Effort effort{between(done.begun_ms, done.ended_ms), done.checks, done.hints, done.solution_shown,
                0};
  for (const auto &[question, tries] : done.tries)
    effort.answers += static_cast<int>(tries.size());
  return effort;
}

std::vector<Effort> earlier_efforts(const StepProgress &done) {
  constexpr double far_future_ms = 1e14, many = 1e6;
  std::vector<Effort> efforts;
  for (const json &before : done.earlier) {
    const bool skipped = load::at(before, "skipped") == true; // then nobody has worked till its end
    Effort effort{skipped ? std::nullopt
                          : between(whole_number(before, "begun_ms", far_future_ms),
                                    whole_number(before, "ended_ms", far_future_ms)),
                  static_cast<int>(whole_number(before, "checks", many)),
                  static_cast<int>(whole_number(before, "hints", many)),
                  load::at(before, "solution_shown") == true, 0};
    if (const json tries = load::at(before, "tries"); tries.is_object())
      for (const json &answers : tries)
        effort.answers += static_cast<int>(answers.is_array() ? answers.size() : 0);
    efforts.push_back(effort);
  }
  return efforts;
}

Effort total_effort(const StepProgress &done) {
  Effort total = effort_of(done);
  for (const Effort &before : earlier_efforts(done)) {
    if (before.taken)
      total.taken = total.taken.value_or(milliseconds(0)) + *before.taken;
    total.checks += before.checks;
    total.hints = std::max(total.hints, before.hints);
    total.solution_shown = total.solution_shown || before.solution_shown;
    total.answers += before.answers;
  }
  return total;
}

std::string minutes_text(std::optional<milliseconds> taken) {
  if (!taken)
    return "-";
  const auto minutes = std::chrono::round<std::chrono::minutes>(*taken).count();
  return minutes == 0 ? "under a minute" : fmt::format("{} min", minutes);
}

} // namespace lab::path
