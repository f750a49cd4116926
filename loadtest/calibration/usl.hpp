// The Universal Scalability Law (Gunther 1993): what N workers give together,
//
//   X(N) = lambda N / (1 + sigma (N - 1) + kappa N (N - 1))
//
// lambda is what one gives; sigma the share that is done one after the other (queueing for
// something); kappa what each pair costs (waiting for each other's changes). With kappa above 0
// there is a size beyond which more gives less. [any thread]
#pragma once

#include <optional>
#include <span>

namespace lab::calibration {

struct Measured {
  double size = 0; // N, 1 or more
  double rate = 0; // a second, above 0
};

struct Usl {
  double lambda = 0; // a second
  double sigma = 0;  // 0 or more
  double kappa = 0;  // 0 or more

  double rate(double size) const;

  // Where it gives most; nothing when it grows for ever.
  std::optional<double> best_size() const;
};

// Least squares of the relative error of N / X(N), which is linear in 1, N - 1 and N (N - 1);
// what would be negative is 0. Nothing from fewer than three different sizes.
std::optional<Usl> fit(std::span<const Measured> measured);

// How far the fit is from what was measured, the mean of |X - fit| / X, in percent.
double mean_error_percent(const Usl &usl, std::span<const Measured> measured);

} // namespace lab::calibration
