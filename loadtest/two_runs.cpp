#include "loadtest/two_runs.hpp"

#include <cmath>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "loadtest/figures.hpp"

namespace lab::load {
namespace {

using nlohmann::json;

void note(json &differs, const std::string &what, const json &a, const json &b) {
  if (a != b)
    differs.push_back({{"what", what}, {"a", a}, {"b", b}});
}

// Each entry of two objects that is not the same in both.
void note_entries(json &differs, const std::string &prefix, const json &a, const json &b,
                  const std::set<std::string> &but) {
  std::set<std::string> names;
  for (const json *side : {&a, &b})
    for (const auto &[name, value] : side->items())
      names.insert(name);
  for (const std::string &name : names)
    if (!but.contains(name))
      note(differs, prefix + name, a.value(name, json()), b.value(name, json()));
}

json differences(const StoredRun &a, const StoredRun &b) {
  json differs = json::array();
  note(differs, "strategy", at(a.summary, "strategy"), at(b.summary, "strategy"));
  if (at(a.summary, "strategy") == at(b.summary, "strategy")) {
    note(differs, "build", at(a.summary, "build"), at(b.summary, "build"));
    note_entries(differs, "setting ", at(a.summary, "params"), at(b.summary, "params"), {});
  }
  note_entries(differs, "", at(a.run, "asked"), at(b.run, "asked"), {"ports", "what"});
  note(differs, "fault", at(a.summary, "fault.name"), at(b.summary, "fault.name"));
  note_entries(differs, "machine ", at(a.run, "machine"), at(b.run, "machine"), {});
  note_entries(differs, "PostgreSQL's ", at(a.run, "facts.postgres"), at(b.run, "facts.postgres"),
               {});
  return differs;
}

// Three digits, as a ratio needs; null where there is none.
json ratio(const json &a, const json &b) {
  if (!a.is_number() || !b.is_number() || b.get<double>() <= 0)
    return nullptr;
  return std::round(1000 * a.get<double>() / b.get<double>()) / 1000;
}

std::string value_text(const json &value) {
  return value.is_null() ? "none" : value.is_string() ? value.get<std::string>() : value.dump();
}

} // namespace

json compare_runs(const StoredRun &a, const StoredRun &b) {
  return {{"a", a.summary},
          {"b", b.summary},
          {"differs", differences(a, b)},
          {"same_requests", at(a.run, "schedule") == at(b.run, "schedule")},
          {"ok_per_second_ratio", ratio(at(a.summary, "rate.ok"), at(b.summary, "rate.ok"))},
          {"p99_ratio", ratio(at(a.summary, "slo_p99_ms"), at(b.summary, "slo_p99_ms"))},
          {"failed_points", rounded(number_at(a.summary, "failed_percent") -
                                    number_at(b.summary, "failed_percent"))}};
}

std::string two_runs_text(const json &compared, const Style &style) {
  std::string text = comparison_table({compared.at("a"), compared.at("b")}, style) + "\n";
  for (const json &one : compared.at("differs"))
    text += fmt::format("they differ in {}: {} and {}\n", one.at("what").get<std::string>(),
                        value_text(one.at("a")), value_text(one.at("b")));
  text += compared.at("same_requests").get<bool>()
              ? "Both got the very same requests.\n"
              : "They got different requests: another seed, load or time.\n";
  std::vector<std::string> parts;
  if (compared.at("ok_per_second_ratio").is_number())
    parts.push_back(fmt::format("x{} of its ok/s", shown(compared.at("ok_per_second_ratio"))));
  if (compared.at("p99_ratio").is_number())
    parts.push_back(fmt::format("x{} of its p99", shown(compared.at("p99_ratio"))));
  const double points = compared.at("failed_points");
  parts.push_back(fmt::format("{}{} points failed", points < 0 ? "" : "+", shown(json(points))));
  return text + fmt::format("The first against the second: {}.\n", fmt::join(parts, ", "));
}

} // namespace lab::load
