// SOCI's connection_pool, leased by hand: the cheapest way it offers. Its sessions
// are not connected, so it checks and resets nothing.
#include <soci/connection-pool.h>

#include "host/bench/measure.hpp"

namespace lab::bench {
namespace {

class SociPool : public Contender {
public:
  std::string name() const override { return "soci"; }
  Measured run(const Slice &slice) override {
    soci::connection_pool pool(static_cast<std::size_t>(slice.connections));
    return measure(slice, [&](auto held) {
      const std::size_t place = pool.lease();
      held();
      pool.give_back(place);
    });
  }
};

} // namespace

std::unique_ptr<Contender> make_soci() {
  return std::make_unique<SociPool>();
}

} // namespace lab::bench
