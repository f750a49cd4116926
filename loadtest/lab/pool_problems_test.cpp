#include "loadtest/lab/pool_problems.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace lab::cli {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;

json pool_with(const json &leaks) {
  return {{"open", 1}, {"leaks", {{"after_ms", 60000.0}, {"suspected", 7}, {"now", leaks}}}};
}

TEST(PoolProblems, ThereAreNoneInAPoolThatIsWell) {
  EXPECT_THAT(pool_problems("the host", pool_with(json::array())), IsEmpty());
  EXPECT_THAT(pool_problems("the host", {{"open", 1}}), IsEmpty()) << "a host of an older build";
}

TEST(PoolProblems, SuspectedLeaksAreNamedWithWhatToDo) {
  const json longest = {{"route", "POST /leaky"}, {"held_ms", 75400.0}, {"backend_pid", 123}};
  const json other = {{"route", "GET /b"}, {"held_ms", 61000.0}, {"backend_pid", 9}};
  EXPECT_THAT(pool_problems("the host", pool_with(json::array({longest}))),
              ElementsAre("the host suspects a leak: POST /leaky has held a connection for 75 s "
                          "(backend 123); mend what does not give it back, and free its place "
                          "with scripts/lab reclaim"));
  EXPECT_THAT(pool_problems("the second host", pool_with(json::array({longest, other}))),
              ElementsAre(testing::StartsWith("the second host suspects 2 leaks: POST /leaky")));
}

TEST(PoolProblems, APausedPoolIsNamedWithWhatToDo) {
  json pool = pool_with(json::array());
  pool["paused"] = true;
  EXPECT_THAT(pool_problems("the host", pool),
              ElementsAre("the host hands out no connections, for its pool is paused: let it go on "
                          "with scripts/lab resume"));
  pool["paused"] = false;
  EXPECT_THAT(pool_problems("the host", pool), IsEmpty());
}

} // namespace
} // namespace lab::cli
