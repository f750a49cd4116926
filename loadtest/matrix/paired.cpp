#include "loadtest/matrix/paired.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>

#include <boost/math/distributions/students_t.hpp>

#include "loadtest/random.hpp"

namespace lab::matrix {
namespace {

constexpr std::size_t exact_up_to = 16;
constexpr std::uint64_t draws = 1 << exact_up_to;
// Sums of the same numbers in another order differ in their last digits.
constexpr double rounding = 1 + 1e-12;

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Bit i of `signs` set: difference i is flipped.
double flipped_sum(std::span<const double> values, std::uint64_t signs) {
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    sum += (signs >> i & 1) != 0 ? -values[i] : values[i];
  return std::abs(sum);
}

} // namespace

double sign_flip_p(std::span<const double> differences) {
  if (differences.empty())
    return 1;
  const double seen = flipped_sum(differences, 0) / rounding;
  const bool exact = differences.size() <= exact_up_to;
  const std::uint64_t tries = exact ? std::uint64_t{1} << differences.size() : draws;
  load::Random random(1);
  std::uint64_t as_far = 0;
  for (std::uint64_t i = 0; i < tries; ++i)
    if (flipped_sum(differences, exact ? i : random.next()) >= seen)
      ++as_far;
  // A draw may not be the one that was seen, which is as likely as the others.
  return exact ? static_cast<double>(as_far) / static_cast<double>(tries)
               : static_cast<double>(as_far + 1) / static_cast<double>(tries + 1);
}

double half_width_95(std::span<const double> differences) {
  const std::size_t n = differences.size();
  if (n < 2)
    return std::numeric_limits<double>::infinity();
  const double mean = mean_of(differences);
  double squares = 0;
  for (const double difference : differences)
    squares += (difference - mean) * (difference - mean);
  const auto blocks = static_cast<double>(n);
  const double t = boost::math::quantile(boost::math::students_t(blocks - 1), 1 - level / 2);
  return t * std::sqrt(squares / (blocks - 1) / blocks);
}

Estimate estimate(std::span<const double> differences) {
  Estimate all;
  all.blocks = differences.size();
  if (differences.empty()) {
    all.low = -std::numeric_limits<double>::infinity();
    all.high = std::numeric_limits<double>::infinity();
    return all;
  }
  all.mean = mean_of(differences);
  const double half = half_width_95(differences);
  all.low = all.mean - half;
  all.high = all.mean + half;
  all.p = sign_flip_p(differences);
  return all;
}

std::vector<double> holm(std::span<const double> p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.size());
  double least = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    least = std::max(least, p[order[rank]] * static_cast<double>(p.size() - rank));
    adjusted[order[rank]] = std::min(1.0, least);
  }
  return adjusted;
}

const char *word_text(Word word) {
  switch (word) {
  case Word::better:
    return "better";
  case Word::worse:
    return "worse";
  case Word::same:
    return "same";
  case Word::inconclusive:
    return "inconclusive";
  default:
    return "not judged";
  }
}

Word word_of(const Estimate &estimate, double adjusted_p, double matters, bool more_is_better,
             std::size_t pairs) {
  if (estimate.blocks < fewest_blocks())
    return Word::not_judged;
  if (estimate.low >= -matters && estimate.high <= matters)
    return Word::same;
  if (adjusted_p < level && (estimate.low > 0 || estimate.high < 0))
    return (estimate.mean > 0) == more_is_better ? Word::better : Word::worse;
  return estimate.blocks < fewest_blocks(pairs) ? Word::not_judged : Word::inconclusive;
}

} // namespace lab::matrix
