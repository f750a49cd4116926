// What a learner begins with is bounded_timeout, to the last number.
#include <filesystem>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

#include "plugins/loader/library.hpp"
#include "plugins/verifier/storm.hpp"

namespace lab::plugin {
namespace {

namespace fs = std::filesystem;

auto fields(const pl_plan &p) {
  return std::make_tuple(p.max_in_use, p.max_open, p.min_idle, p.max_connecting, p.max_waiting,
                         p.order, p.look_when_waiting, p.wait_timeout, p.idle_timeout,
                         p.max_lifetime, p.next_look);
}

struct Weathered {
  explicit Weathered(const fs::path &file) : library(file), instance(library) {}

  pl_plan look(const pl_observation &seen) {
    pl_plan plan = default_plan();
    EXPECT_FALSE(instance.look(seen, plan));
    return plan;
  }

  Library library;
  Instance instance;
};

TEST(Template, BehavesLikeBoundedTimeout) {
  Weathered mine(fs::path(POOL_LAB_BUILT) / "good" / "my_strategy.so");
  Weathered bounded(fs::path(POOL_LAB_BUILT) / "strategies" / "bounded_timeout.so");
  const auto &params = bounded.library.params();
  ASSERT_EQ(mine.library.params().size(), params.size());
  for (std::uint32_t i = 0; i < params.size(); ++i) {
    EXPECT_EQ(mine.library.params()[i].name, params[i].name);
    EXPECT_EQ(mine.library.params()[i].default_value, params[i].default_value);
    for (const double value : {params[i].default_value, params[i].max, params[i].min}) {
      ASSERT_FALSE(mine.instance.set(i, value));
      ASSERT_FALSE(bounded.instance.set(i, value));
      Storm storm;
      pl_plan plan = default_plan();
      for (std::size_t step = 0; step < Storm::length; ++step) {
        const Moment moment = storm.step(plan);
        plan = bounded.look(moment.seen);
        ASSERT_EQ(fields(mine.look(moment.seen)), fields(plan))
            << moment.scene << " with " << params[i].name << " = " << value;
      }
    }
  }
}

} // namespace
} // namespace lab::plugin
