#include "loadtest/matrix/analysis.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "loadtest/figures.hpp"
#include "loadtest/matrix/paired.hpp"

namespace lab::matrix {
namespace {

using nlohmann::json;

// The summaries of one profile, by arm and block. Invalid ones prove nothing: left out.
using ByBlock = std::map<int, const json *>;
struct OfProfile {
  std::vector<ByBlock> valid; // by arm
  std::vector<int> invalid;
};

OfProfile of_profile(const Design &design, std::size_t profile,
                     const std::vector<Finished> &finished) {
  OfProfile all{std::vector<ByBlock>(design.arms.size()), std::vector<int>(design.arms.size())};
  for (const Finished &one : finished) {
    if (one.cell.profile != profile)
      continue;
    if (one.summary.value("verdict", "") == "invalid")
      ++all.invalid[one.cell.arm];
    else
      all.valid[one.cell.arm][one.cell.block] = &one.summary;
  }
  return all;
}

std::optional<double> value_of(const json &summary, const Measure &measure) {
  const json found = load::at(summary, measure.path);
  if (!found.is_number())
    return std::nullopt;
  return found.get<double>();
}

// What may be compared: of a ratio neither side is 0.
std::optional<double> difference(const json &a, const json &b, const Measure &measure) {
  const auto of_a = value_of(a, measure), of_b = value_of(b, measure);
  if (!of_a || !of_b || (measure.ratio && (*of_a <= 0 || *of_b <= 0)))
    return std::nullopt;
  return measure.ratio ? std::log(*of_a / *of_b) : *of_a - *of_b;
}

struct Compared {
  Estimate estimate;
  int beyond = 0; // blocks in which one of the two has no such number
};

// To leave out the blocks without a number would leave out the worst ones, so then none is
// judged.
Compared compare(const ByBlock &a, const ByBlock &b, const Measure &measure) {
  std::vector<double> differences;
  int beyond = 0;
  for (const auto &[block, of_a] : a) {
    const auto of_b = b.find(block);
    if (of_b == b.end())
      continue;
    if (const auto one = difference(*of_a, *of_b->second, measure))
      differences.push_back(*one);
    else
      ++beyond;
  }
  if (beyond > 0)
    differences.clear();
  return {estimate(differences), beyond};
}

// Three digits: a ratio's own, where figures have their places.
json ratio_of(double log_ratio) {
  if (!std::isfinite(log_ratio))
    return nullptr;
  return std::round(std::exp(log_ratio) * 1000) / 1000;
}

json points_of(double points) {
  return std::isfinite(points) ? json(load::rounded(points)) : json();
}

json probability(double p) {
  return std::round(p * 1e5) / 1e5;
}

// `together`: so many pairs the p was adjusted for.
json told(const Compared &compared, const Measure &measure, double adjusted, std::size_t together) {
  const Estimate &e = compared.estimate;
  const double matters = measure.ratio ? std::log1p(measure.matters) : measure.matters;
  const Word word = word_of(e, adjusted, matters, measure.more_is_better, together);
  json all = {{"measure", measure.name},
              {"blocks", e.blocks},
              {"beyond", compared.beyond},
              {"p", probability(e.p)},
              {"p_adjusted", probability(adjusted)},
              {"word", word_text(word)}};
  const auto number = [&](double value) {
    return measure.ratio ? ratio_of(value) : points_of(value);
  };
  const char *effect = measure.ratio ? "ratio" : "points";
  all[effect] = e.blocks == 0 ? json() : number(e.mean);
  all["low"] = number(e.low);
  all["high"] = number(e.high);
  return all;
}

double middle(const std::vector<double> &sorted) {
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

// `missing`: what a cell counts as that has no such number; nothing: it is left out.
json spread(const ByBlock &cells, const char *path, std::optional<double> missing = {}) {
  std::vector<double> values;
  for (const auto &[block, summary] : cells)
    if (const json found = load::at(*summary, path); found.is_number())
      values.push_back(found.get<double>());
    else if (missing)
      values.push_back(*missing);
  if (values.empty())
    return nullptr;
  std::sort(values.begin(), values.end());
  const auto told = [](double value) {
    return std::isfinite(value) ? json(load::rounded(value)) : json();
  };
  return {{"median", told(middle(values))},
          {"min", told(values.front())},
          {"max", told(values.back())},
          {"cells", values.size()},
          {"beyond", std::count_if(values.begin(), values.end(),
                                   [](double value) { return !std::isfinite(value); })}};
}

json arm_json(const Arm &arm, const ByBlock &valid, int invalid) {
  json all = {{"arm", arm.name},
              {"strategy", arm.strategy},
              {"params", arm.params},
              {"longer_hold_percent", arm.longer_hold_percent},
              {"cells", valid.size() + static_cast<std::size_t>(invalid)},
              {"invalid", invalid}};
  // A time is missing where too many failed: beyond all that other blocks have.
  for (const Measure &measure : measures())
    all[measure.name] =
        spread(valid, measure.path,
               measure.more_is_better ? std::nullopt
                                      : std::optional(std::numeric_limits<double>::infinity()));
  all["p50_ms"] = spread(valid, "latency_ms.p50");
  all["connection_seconds"] = spread(valid, "pool.connection_seconds");
  all["max_open"] = spread(valid, "pool.max_open");
  return all;
}

// Of the same strategy, with the same settings and no handicap: chance alone.
bool twins(const Arm &a, const Arm &b) {
  return a.strategy == b.strategy && a.params == b.params &&
         a.longer_hold_percent == b.longer_hold_percent;
}

struct Pair {
  std::size_t a, b; // arms
};

json compared_pairs(const Design &design, const OfProfile &cells, const std::vector<Pair> &pairs,
                    bool adjust) {
  json all = json::array();
  for (const Pair &pair : pairs)
    all.push_back({{"a", design.arms[pair.a].name},
                   {"b", design.arms[pair.b].name},
                   {"measures", json::array()}});
  for (const Measure &measure : measures()) {
    std::vector<Compared> compared;
    std::vector<double> p;
    for (const Pair &pair : pairs) {
      compared.push_back(compare(cells.valid[pair.a], cells.valid[pair.b], measure));
      p.push_back(compared.back().estimate.p);
    }
    const std::vector<double> adjusted = adjust ? holm(p) : p;
    for (std::size_t i = 0; i < pairs.size(); ++i)
      all[i]["measures"].push_back(
          told(compared[i], measure, adjusted[i], adjust ? pairs.size() : 1));
  }
  return all;
}

json profile_json(const Design &design, std::size_t profile,
                  const std::vector<Finished> &finished) {
  const OfProfile cells = of_profile(design, profile, finished);
  json arms = json::array();
  for (std::size_t i = 0; i < design.arms.size(); ++i)
    arms.push_back(arm_json(design.arms[i], cells.valid[i], cells.invalid[i]));
  std::vector<Pair> alike, others;
  for (std::size_t a = 0; a < design.arms.size(); ++a)
    for (std::size_t b = a + 1; b < design.arms.size(); ++b) {
      const bool chance = twins(design.arms[a], design.arms[b]);
      // The later one is told against the earlier, which is the better known.
      (chance ? alike : others).push_back({b, a});
    }
  // A twin is there to measure chance, and is compared with nothing else.
  std::erase_if(others, [&](const Pair &pair) {
    return std::any_of(alike.begin(), alike.end(),
                       [&](const Pair &twin) { return pair.a == twin.a || pair.b == twin.a; });
  });
  return {{"profile", design.profiles[profile].name},
          {"what", design.profiles[profile].what},
          {"arms", arms},
          {"twins", compared_pairs(design, cells, alike, false)},
          {"pairs", compared_pairs(design, cells, others, true)}};
}

} // namespace

const std::vector<Measure> &measures() {
  static const std::vector<Measure> all = {
      {"ok_per_second", "rate.ok", "a second", true, 0.05, true},
      {"p99_ms", "slo_p99_ms", "ms", true, 0.10, false},
      {"failed_percent", "failed_percent", "%", false, 0.5, false},
  };
  return all;
}

json analyse(const Design &design, const std::vector<Finished> &finished) {
  json profiles = json::array();
  for (std::size_t i = 0; i < design.profiles.size(); ++i)
    profiles.push_back(profile_json(design, i, finished));
  return {{"blocks", design.blocks}, {"seed", design.seed}, {"profiles", profiles}};
}

} // namespace lab::matrix
