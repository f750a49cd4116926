#include "loadtest/matrix/table.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "loadtest/figures.hpp"
#include "loadtest/matrix/paired.hpp"

namespace lab::matrix {
namespace {

using load::shown;
using nlohmann::json;

// As people read it; "failed_percent" is a difference in points.
std::string head_of(const std::string &measure) {
  return measure == "ok_per_second" ? "ok/s" : measure == "p99_ms" ? "p99" : "failed";
}

// A word never stands without its sign, nor the other way round.
std::string sign_of(const std::string &word) {
  return word == "better" ? "✓" : word == "worse" ? "✗" : word == "same" ? "=" : "?";
}

std::string points(const json &number) {
  const std::string text = shown(number);
  return fmt::format("{}{}", text.front() == '-' ? "" : "+", text);
}

std::string median(const json &spread) {
  return spread.is_null() || spread.at("median").is_null() ? "-" : shown(spread.at("median"));
}

std::string range(const json &spread) {
  if (spread.is_null() || spread.at("cells") == 1)
    return "";
  return fmt::format("{} to {}", shown(spread.at("min")), shown(spread.at("max")));
}

std::string pair_text(const json &pair) {
  std::vector<std::string> parts;
  for (const json &measure : pair.at("measures"))
    parts.push_back(measure_text(measure));
  return fmt::format("{} against {}: {}\n", pair.at("a").get<std::string>(),
                     pair.at("b").get<std::string>(), fmt::join(parts, "; "));
}

std::string arms_text(const json &arms) {
  std::size_t width = std::string_view("strategy").size();
  for (const json &arm : arms)
    width = std::max(width, arm.at("arm").get<std::string>().size());
  std::string text = fmt::format("{:<{}}  {:>6}  {:<14}  {:>7}  {:>8}  {:>4}  {:>8}\n", "strategy",
                                 width, "ok/s", "from, to", "p99 ms", "failed %", "open", "conn-s");
  for (const json &arm : arms) {
    text += fmt::format("{:<{}}  {:>6}  {:<14}  {:>7}  {:>8}  {:>4}  {:>8}",
                        arm.at("arm").get<std::string>(), width, median(arm.at("ok_per_second")),
                        range(arm.at("ok_per_second")), median(arm.at("p99_ms")),
                        median(arm.at("failed_percent")), median(arm.at("max_open")),
                        median(arm.at("connection_seconds")));
    if (const double beyond = load::number_at(arm, "p99_ms.beyond"); beyond > 0)
      text += fmt::format("  ? no p99 in {} of {}", beyond, load::number_at(arm, "p99_ms.cells"));
    if (const int invalid = arm.at("invalid"); invalid > 0)
      text += fmt::format("  ? {} of {} prove nothing", invalid, arm.at("cells").get<int>());
    text += "\n";
  }
  return text;
}

std::string profile_text(const json &profile) {
  std::string text = fmt::format("{}: {}\n", profile.at("profile").get<std::string>(),
                                 profile.at("what").get<std::string>());
  for (const json &twin : profile.at("twins"))
    text += fmt::format("by chance: {}", pair_text(twin));
  text += arms_text(profile.at("arms"));
  for (const json &pair : profile.at("pairs"))
    text += pair_text(pair);
  return text;
}

} // namespace

std::string measure_text(const json &measure) {
  const std::string head = head_of(measure.at("measure"));
  const std::string word = measure.at("word");
  if (const int beyond = measure.at("beyond"); beyond > 0)
    return fmt::format("{} ? not judged (more than 1 % failed or were cut off in {} block{})", head,
                       beyond, beyond == 1 ? "" : "s");
  if (measure.at("blocks") == 0)
    return head + " ? no block yet";
  const bool ratio = measure.contains("ratio");
  const auto number = [&](const char *field) {
    return ratio ? fmt::format("x{}", shown(measure.at(field))) : points(measure.at(field));
  };
  std::string text =
      fmt::format("{} {}{}", head, number(ratio ? "ratio" : "points"), ratio ? "" : " points");
  if (!measure.at("low").is_null())
    text += fmt::format(" ({} to {})", number("low"), number("high"));
  if (word != word_text(Word::not_judged))
    text += fmt::format(" {} {}", sign_of(word), word);
  return text;
}

std::string table(const json &analysis) {
  std::string text;
  for (const json &profile : analysis.at("profiles"))
    text += fmt::format("{}{}", text.empty() ? "" : "\n", profile_text(profile));
  return text;
}

} // namespace lab::matrix
