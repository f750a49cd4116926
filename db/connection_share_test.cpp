#include "db/connection_share.hpp"

#include <gtest/gtest.h>

namespace lab::db {
namespace {

// A server as shipped, with nobody on it but the lab: a pool of 40 and a monitor.
ServerNumbers quiet() {
  ServerNumbers numbers;
  numbers.max_connections = 100;
  numbers.reserved = 3;
  numbers.total = numbers.lab = numbers.login_total = numbers.database_total = 41;
  numbers.ours = 40;
  return numbers;
}

TEST(ConnectionShare, IsHalfOfWhatTheLabWouldFindFree) {
  EXPECT_EQ(pool_share(quiet()), 97 / 2 - besides_the_pool);
  ServerNumbers numbers = quiet();
  numbers.total += 50; // other applications'
  EXPECT_EQ(pool_share(numbers), 47 / 2 - besides_the_pool);
}

TEST(ConnectionShare, DoesNotDependOnWhatTheLabHasAlready) {
  ServerNumbers without = quiet();
  without.total = without.lab = without.login_total = without.database_total = without.ours = 0;
  EXPECT_EQ(pool_share(without), pool_share(quiet()));
}

TEST(ConnectionShare, MindsTheLimitsOfLoginAndDatabase) {
  ServerNumbers numbers = quiet();
  numbers.login_limit = 60;
  EXPECT_EQ(pool_share(numbers), 30 - besides_the_pool);
  numbers.login_total += 20; // the login's other programs
  numbers.total += 20;
  EXPECT_EQ(pool_share(numbers), 20 - besides_the_pool);
  numbers.database_limit = 30;
  EXPECT_EQ(pool_share(numbers), 15 - besides_the_pool);
}

TEST(ConnectionShare, CountsTheLabsOtherSessionsAsTheLabs) {
  ServerNumbers numbers = quiet();
  numbers.total += 9; // `lab psql -- pgbench -c 9`, say
  numbers.lab += 9;
  EXPECT_EQ(pool_share(numbers), 97 / 2 - (1 + 9));
}

TEST(ConnectionShare, IsAtLeastOne) {
  ServerNumbers numbers = quiet();
  numbers.total += 95; // more than there is, for a moment
  EXPECT_EQ(pool_share(numbers), 1);
  EXPECT_EQ(pool_share(ServerNumbers{}), 1);
}

} // namespace
} // namespace lab::db
