#include "loadtest/histogram.hpp"

#include <algorithm>
#include <bit>

#include <nlohmann/json.hpp>

namespace lab::load {
namespace {

constexpr std::uint64_t per_octave = std::uint64_t{1} << Histogram::sub_bits;

// Values under 128 are their own index; above, the highest bit says the octave
// and the 7 bits after it the place within.
std::size_t index_of(std::uint64_t value) {
  if (value < per_octave)
    return value;
  const int octave = std::bit_width(value) - 1 - Histogram::sub_bits;
  return static_cast<std::size_t>(octave) * per_octave + (value >> octave);
}

std::int64_t lower_bound_of(std::size_t index) {
  if (index < 2 * per_octave)
    return static_cast<std::int64_t>(index);
  const std::size_t octave = index / per_octave - 1;
  return static_cast<std::int64_t>((index - octave * per_octave) << octave);
}

} // namespace

Histogram::Histogram() : buckets_(index_of(static_cast<std::uint64_t>(largest.count())) + 1) {}

void Histogram::record(std::chrono::nanoseconds value, std::uint64_t times) {
  if (times == 0)
    return;
  const std::int64_t ns = std::clamp<std::int64_t>(value.count(), 0, largest.count());
  buckets_[index_of(static_cast<std::uint64_t>(ns))] += times;
  min_ = count_ == 0 ? ns : std::min(min_, ns);
  max_ = std::max(max_, ns);
  count_ += times;
  sum_ += ns * static_cast<std::int64_t>(times);
}

void Histogram::merge(const Histogram &other) {
  if (other.count_ == 0)
    return;
  for (std::size_t i = 0; i < buckets_.size(); ++i)
    buckets_[i] += other.buckets_[i];
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  count_ += other.count_;
  sum_ += other.sum_;
}

std::chrono::nanoseconds Histogram::min() const {
  return std::chrono::nanoseconds(min_);
}
std::chrono::nanoseconds Histogram::max() const {
  return std::chrono::nanoseconds(max_);
}

double Histogram::mean_ms() const {
  return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_) / 1e6;
}

std::chrono::nanoseconds Histogram::quantile(int per_1000) const {
  if (count_ == 0)
    return {};
  const auto share = static_cast<std::uint64_t>(std::clamp(per_1000, 0, 1000));
  // Divided before multiplied, so that no count overflows.
  const std::uint64_t wanted =
      std::max<std::uint64_t>(1, count_ / 1000 * share + (count_ % 1000 * share + 999) / 1000);
  if (wanted >= count_)
    return max();
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen < wanted)
      continue;
    const std::int64_t lower = lower_bound_of(i);
    const std::int64_t middle = lower + (lower_bound_of(i + 1) - lower) / 2;
    return std::chrono::nanoseconds(std::clamp(middle, min_, max_));
  }
  return max();
}

nlohmann::json Histogram::to_json() const {
  nlohmann::json buckets = nlohmann::json::array();
  for (std::size_t i = 0; i < buckets_.size(); ++i)
    if (buckets_[i] != 0)
      buckets.push_back({lower_bound_of(i), buckets_[i]});
  return {{"unit", "ns"}, {"count", count_}, {"min", min_},
          {"max", max_},  {"sum", sum_},     {"buckets", std::move(buckets)}};
}

Histogram Histogram::from_json(const nlohmann::json &json) {
  Histogram histogram;
  for (const nlohmann::json &bucket : json.at("buckets"))
    histogram.record(std::chrono::nanoseconds(bucket.at(0).get<std::int64_t>()),
                     bucket.at(1).get<std::uint64_t>());
  // The bounds and the sum as they were, not as the buckets' lower bounds give them.
  histogram.min_ = json.at("min").get<std::int64_t>();
  histogram.max_ = json.at("max").get<std::int64_t>();
  histogram.sum_ = json.at("sum").get<std::int64_t>();
  return histogram;
}

} // namespace lab::load
