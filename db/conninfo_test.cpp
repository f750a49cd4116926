#include "db/conninfo.hpp"
#include "db/foreign_database.hpp"

#include <cstdlib>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace lab::db {
namespace {

std::string refusal(const std::string &url) {
  try {
    (void)ForeignDatabase::checked(url);
  } catch (const std::runtime_error &e) {
    return e.what();
  }
  return "";
}

TEST(Conninfo, APasswordIsSeenWhereverItStands) {
  for (const char *text :
       {"postgresql://me:hush@there/db", "postgres://me:hush@there:5433",
        "postgresql://me@there/db?password=hush", "postgresql://me@there/db?pass%77ord=hush",
        "host=there password=hush", "host=there password = 'hush'", "host=there sslpassword=hush",
        "password=hush", "postgresql://me:hush@there/db?nonsense=1", "postgresql://me:hu sh@there",
        "host=there nonsense=1 password=hush", "host=there password='hush"}) {
    EXPECT_TRUE(states_password(text)) << text;
    const std::string said = refusal(text);
    EXPECT_NE(said.find("~/.pgpass"), std::string::npos) << text << ": " << said;
    EXPECT_EQ(said.find("hu"), std::string::npos) << said;
    EXPECT_EQ(said.find('\n'), std::string::npos) << said;
  }
  for (const char *text :
       {"postgresql://me@there/db", "postgresql://me@there:5433/db?application_name=a:b@c",
        "postgresql://there:5433", "host=there user=password dbname=x", "up", "max=30", "--json",
        "http://localhost:3000", "adaptive", "postgresql://me@[::1]:5432/db", "private"})
    EXPECT_FALSE(states_password(text)) << text;
}

TEST(Conninfo, IsShownAsAnAddressWithoutSecrets) {
  EXPECT_EQ(url_of("host=there port=5433 dbname=app user=me password=hush passfile=/x"),
            "postgresql://me@there:5433/app");
  EXPECT_EQ(url_of("host='/run/a b' port=5432 dbname=app user=me"),
            "postgresql://me@/app?host=/run/a%20b");
  EXPECT_EQ(url_of("host=::1 dbname=a/b user='m@e' sslmode=require"),
            "postgresql://m%40e@[::1]/a%2Fb?sslmode=require");
}

TEST(Conninfo, BecomesTheEnvironmentOfAnyProgram) {
  const auto variables =
      environment_of("host=there port=5433 user=me dbname=app password=hush options='-c x=1'");
  EXPECT_EQ(variables, (std::map<std::string, std::string>{{"PGHOST", "there"},
                                                           {"PGPORT", "5433"},
                                                           {"PGUSER", "me"},
                                                           {"PGDATABASE", "app"},
                                                           {"PGOPTIONS", "-c x=1"}}));
}

TEST(Conninfo, IsMadeToMeanTheSameToEveryUserAndInEveryFolder) {
  const auto plain = parts_of(ForeignDatabase::checked("postgresql://there")).value();
  EXPECT_EQ(plain.at("port"), "5432");
  EXPECT_FALSE(plain.at("user").empty());
  EXPECT_EQ(plain.at("dbname"), plain.at("user"));
  const auto with_file =
      parts_of(ForeignDatabase::checked("host=there user=me sslrootcert=root.crt "
                                        "application_name=mine"))
          .value();
  EXPECT_TRUE(with_file.at("sslrootcert").starts_with('/'));
  EXPECT_FALSE(with_file.contains("application_name"));
}

TEST(Conninfo, WhatCannotBeCountedOnOneServerIsRefused) {
  EXPECT_NE(refusal("host=a,b user=me").find("several servers"), std::string::npos);
  EXPECT_NE(refusal("service=mine").find("service"), std::string::npos);
  EXPECT_NE(refusal("host=there passfile=/no/such").find("/no/such"), std::string::npos);
  EXPECT_NE(refusal("nonsense").find("can't be read"), std::string::npos);
  EXPECT_NE(refusal("").size(), 0u) << "an empty one is no wish for the private one";
}

} // namespace
} // namespace lab::db
