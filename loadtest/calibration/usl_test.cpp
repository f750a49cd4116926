// The law is found again in what follows it, also with noise; and no size is made up.
#include "loadtest/calibration/usl.hpp"

#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace lab::calibration {
namespace {

std::vector<Measured> of(const Usl &truth, double noise = 0) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal(0, noise);
  std::vector<Measured> all;
  for (const double size : {1, 2, 4, 8, 16, 32, 64})
    all.push_back({size, truth.rate(size) * std::exp(noise > 0 ? normal(random) : 0)});
  return all;
}

TEST(Usl, IsFoundAgain) {
  const Usl truth{995.6, 0.0267, 0.000769};
  const auto found = fit(of(truth));
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->lambda, truth.lambda, 0.01);
  EXPECT_NEAR(found->sigma, truth.sigma, 1e-6);
  EXPECT_NEAR(found->kappa, truth.kappa, 1e-8);
  ASSERT_TRUE(found->best_size());
  EXPECT_NEAR(*found->best_size(), 35.6, 0.1);
  EXPECT_LT(mean_error_percent(*found, of(truth)), 0.001);
}

TEST(Usl, IsFoundThroughNoise) {
  const Usl truth{500, 0.05, 0.002};
  const auto found = fit(of(truth, 0.05));
  ASSERT_TRUE(found);
  EXPECT_NEAR(*found->best_size() / *truth.best_size(), 1, 0.25);
  EXPECT_LT(mean_error_percent(*found, of(truth, 0.05)), 8);
}

TEST(Usl, OfWorkThatOnlySleepsGrowsForEver) {
  const auto found = fit(of({20, 0, 0}));
  ASSERT_TRUE(found);
  EXPECT_NEAR(found->rate(100), 2000, 1);
  EXPECT_FALSE(found->best_size().has_value());
}

TEST(Usl, IsNeverNegative) {
  // More than twice as much of twice as many: nothing that the law knows.
  const auto found = fit(std::vector<Measured>{{1, 10}, {2, 22}, {4, 50}, {8, 110}});
  ASSERT_TRUE(found);
  EXPECT_GE(found->sigma, 0);
  EXPECT_GE(found->kappa, 0);
}

TEST(Usl, NeedsThreeSizes) {
  EXPECT_FALSE(fit(std::vector<Measured>{{1, 10}, {2, 20}, {2, 21}}));
  EXPECT_FALSE(fit(std::vector<Measured>{}));
}

} // namespace
} // namespace lab::calibration
