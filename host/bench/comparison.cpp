#include "host/bench/comparison.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace lab::bench {

Comparison::Comparison(std::string name, Slice slice, std::vector<Contender *> pools,
                       std::uint32_t seed)
    : name_(std::move(name)), slice_(slice), pools_(std::move(pools)), measured_(pools_.size()),
      taken_(pools_.size()), random_(seed) {}

void Comparison::warm_up() {
  Slice slice = slice_;
  for (Contender *pool : pools_) {
    slice.length = pool->warm_up();
    (void)pool->run(slice);
  }
}

const Measured &Comparison::next(std::size_t pool) {
  if (taken_[pool] == rounds_) {
    if (rounds_ == 0)
      warm_up();
    std::vector<std::size_t> order(pools_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::shuffle(order.begin(), order.end(), random_);
    for (const std::size_t i : order)
      measured_[i].push_back(pools_[i]->run(slice_));
    ++rounds_;
  }
  return measured_[pool][taken_[pool]++];
}

} // namespace lab::bench
