#include "loadtest/calibration/usl.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>

namespace lab::calibration {
namespace {

constexpr std::size_t terms = 3;
using Vector = std::array<double, terms>;

// 1, N - 1, N (N - 1): N / X(N) is a sum of multiples of these.
Vector terms_of(double size) {
  return {1, size - 1, size * (size - 1)};
}

// Solves `a` x = `b` by Gauss and Jordan, only for the terms that are `used`; the others are 0.
std::optional<Vector> solved(std::array<Vector, terms> a, Vector b,
                             const std::array<bool, terms> &used) {
  for (std::size_t i = 0; i < terms; ++i)
    if (!used[i]) {
      a[i] = {};
      for (Vector &row : a)
        row[i] = 0;
      a[i][i] = 1;
      b[i] = 0;
    }
  for (std::size_t i = 0; i < terms; ++i) {
    std::size_t best = i;
    for (std::size_t row = i + 1; row < terms; ++row)
      if (std::abs(a[row][i]) > std::abs(a[best][i]))
        best = row;
    if (a[best][i] == 0)
      return std::nullopt;
    std::swap(a[i], a[best]);
    std::swap(b[i], b[best]);
    for (std::size_t row = 0; row < terms; ++row) {
      if (row == i)
        continue;
      const double factor = a[row][i] / a[i][i];
      for (std::size_t column = 0; column < terms; ++column)
        a[row][column] -= factor * a[i][column];
      b[row] -= factor * b[i];
    }
  }
  Vector x;
  for (std::size_t i = 0; i < terms; ++i)
    x[i] = b[i] / a[i][i];
  return x;
}

double squares(const Vector &x, std::span<const Measured> measured) {
  double sum = 0;
  for (const Measured &one : measured) {
    const Vector t = terms_of(one.size);
    const double y = one.size / one.rate;
    const double error = (x[0] * t[0] + x[1] * t[1] + x[2] * t[2] - y) / y;
    sum += error * error;
  }
  return sum;
}

} // namespace

double Usl::rate(double size) const {
  return lambda * size / (1 + sigma * (size - 1) + kappa * size * (size - 1));
}

std::optional<double> Usl::best_size() const {
  if (kappa <= 0)
    return std::nullopt;
  return std::sqrt(std::max(0.0, 1 - sigma) / kappa);
}

std::optional<Usl> fit(std::span<const Measured> measured) {
  std::set<double> sizes;
  std::array<Vector, terms> a{};
  Vector b{};
  for (const Measured &one : measured) {
    if (one.size < 1 || one.rate <= 0)
      continue;
    sizes.insert(one.size);
    const Vector t = terms_of(one.size);
    const double y = one.size / one.rate;
    for (std::size_t i = 0; i < terms; ++i) {
      for (std::size_t j = 0; j < terms; ++j)
        a[i][j] += t[i] * t[j] / (y * y);
      b[i] += t[i] / y;
    }
  }
  if (sizes.size() < terms)
    return std::nullopt;
  // Of the four ways to leave sigma or kappa at 0, the one that fits best with none negative.
  std::optional<Vector> best;
  double least = std::numeric_limits<double>::infinity();
  for (const bool with_sigma : {true, false})
    for (const bool with_kappa : {true, false}) {
      const auto x = solved(a, b, {true, with_sigma, with_kappa});
      if (!x || (*x)[0] <= 0 || (*x)[1] < 0 || (*x)[2] < 0)
        continue;
      if (const double error = squares(*x, measured); error < least) {
        least = error;
        best = x;
      }
    }
  if (!best)
    return std::nullopt;
  return Usl{1 / (*best)[0], (*best)[1] / (*best)[0], (*best)[2] / (*best)[0]};
}

double mean_error_percent(const Usl &usl, std::span<const Measured> measured) {
  double sum = 0;
  for (const Measured &one : measured)
    sum += std::abs(usl.rate(one.size) / one.rate - 1);
  return measured.empty() ? 0 : 100 * sum / static_cast<double>(measured.size());
}

} // namespace lab::calibration
