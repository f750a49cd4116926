#include "db/conninfo.hpp"
#include "db/foreign_database.hpp"
#include "db/monitor.hpp"
#include "db/tables.hpp"
#include "db/test_tenant.hpp"

#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace lab::db {
namespace {

using namespace std::chrono_literals;

std::string message_of(const std::function<void()> &work) {
  try {
    work();
  } catch (const std::exception &e) {
    return e.what();
  }
  return "";
}

class ForeignDatabaseTest : public testing::Test {
protected:
  TestTenant tenant{TestPostgres::shared()};
  ForeignDatabase database{ForeignDatabase::checked(tenant.url()), POOL_LAB_SQL_FOLDER};

  std::string ask_as_host(const std::string &sql) {
    const auto connection = connect(database.conninfo_jobs(), 5s);
    return run_now(*connection, sql)[0][0].c_str();
  }
};

TEST_F(ForeignDatabaseTest, NothingOutsideItsSchemaIsTouched) {
  const std::string before = tenant.fingerprint();
  database.start();
  database.ensure_database();
  EXPECT_EQ(tenant.fingerprint(), before);
  EXPECT_EQ(ask_as_host("SELECT count(*) FROM jobs"), "10000") << "not the 1000 of the other jobs";
  EXPECT_EQ(tenant.ask("SELECT pg_get_userbyid(nspowner) FROM pg_namespace "
                       "WHERE nspname = 'pool_lab'"),
            tenant.name());

  ask_as_host("UPDATE workers SET name = name || '!' RETURNING 1");
  ask_as_host("DELETE FROM jobs WHERE id > 17 RETURNING 1");
  database.ensure_database(); // does nothing when they are there
  EXPECT_EQ(ask_as_host("SELECT count(*) FROM jobs"), "17");
  database.reset(LabDatabase::Checkpoint::yes);
  EXPECT_EQ(ask_as_host("SELECT count(*) || ' ' || max(id) FROM jobs"), "10000 10000");
  EXPECT_EQ(ask_as_host("SELECT count(*) FROM workers WHERE name LIKE '%!'"), "0");
  EXPECT_EQ(database.problem(), std::nullopt);
  EXPECT_EQ(tenant.fingerprint(), before);
}

TEST_F(ForeignDatabaseTest, ASchemaThatItDidNotMakeIsRefusedAndUntouched) {
  const auto superuser = tenant.connect_superuser();
  run_now(*superuser, "CREATE SCHEMA pool_lab");
  run_now(*superuser, "CREATE TABLE pool_lab.jobs (id int, status text)");
  run_now(*superuser, "CREATE TABLE pool_lab.workers (id int)");
  run_now(*superuser, "INSERT INTO pool_lab.jobs VALUES (1, 'precious')");
  run_now(*superuser, "GRANT ALL ON SCHEMA pool_lab TO " + tenant.name());
  run_now(*superuser, "GRANT ALL ON ALL TABLES IN SCHEMA pool_lab TO " + tenant.name());
  // A mark that is nearly the lab's is none.
  run_now(*superuser,
          std::string("COMMENT ON SCHEMA pool_lab IS '") + ForeignDatabase::mark + ".'");
  const auto state = [&] {
    return tenant.fingerprint() +
           tenant.ask("SELECT string_agg(concat(ctid, xmin, id, status), ';') FROM pool_lab.jobs") +
           tenant.ask("SELECT string_agg(concat(oid, relname, relfilenode), ';' ORDER BY oid) "
                      "FROM pg_class WHERE relnamespace = 'pool_lab'::regnamespace");
  };
  const std::string before = state();
  for (const auto &work : std::vector<std::function<void()>>{[&] { database.ensure_database(); },
                                                             [&] { database.reset(); }}) {
    const std::string said = message_of(work);
    EXPECT_NE(said.find("a schema pool_lab that the lab did not make"), std::string::npos) << said;
    EXPECT_EQ(said.find('\n'), std::string::npos) << said;
  }
  EXPECT_NE(database.problem().value_or("").find("did not make"), std::string::npos);
  EXPECT_EQ(state(), before);
}

TEST_F(ForeignDatabaseTest, WithoutTheRightToMakeASchemaItSaysSo) {
  run_now(*tenant.connect_superuser(),
          "REVOKE CREATE ON DATABASE " + tenant.name() + " FROM " + tenant.name());
  const std::string before = tenant.fingerprint();
  const std::string said = message_of([&] { database.ensure_database(); });
  EXPECT_NE(said.find("may not make a schema"), std::string::npos) << said;
  EXPECT_NE(said.find("GRANT CREATE ON DATABASE"), std::string::npos) << said;
  EXPECT_EQ(said.find('\n'), std::string::npos) << said;
  EXPECT_EQ(tenant.fingerprint(), before);
}

TEST_F(ForeignDatabaseTest, NamesLeadToItsOwnSchemaWhateverTheUrlSays) {
  run_now(*tenant.connect_superuser(),
          "ALTER ROLE " + tenant.name() + " SET search_path = public, other");
  const ForeignDatabase other(ForeignDatabase::checked(tenant.url() +
                                                       " options='-c search_path=public "
                                                       "-c work_mem=1MB'"),
                              POOL_LAB_SQL_FOLDER);
  const auto connection = connect(other.conninfo_jobs(), 5s);
  EXPECT_STREQ(run_now(*connection, "SHOW search_path")[0][0].c_str(), "pool_lab");
  EXPECT_STREQ(run_now(*connection, "SHOW work_mem")[0][0].c_str(), "1MB");
}

TEST_F(ForeignDatabaseTest, ThePasswordIsFoundByLibpqsRuleAndStatedNowhere) {
  EXPECT_EQ(database.password(), tenant.password());
  for (const std::string &text : {database.conninfo_jobs(), database.conninfo_admin("pool_lab x"),
                                  database.conninfo_neighbour(), url_of(database.conninfo_jobs())})
    EXPECT_EQ(text.find("s3cret"), std::string::npos) << text;

  // Without passfile=PATH: ~/.pgpass.
  const std::string home = std::getenv("HOME") ? std::getenv("HOME") : "";
  const auto another_home = TestPostgres::shared().home() / "home";
  std::filesystem::create_directories(another_home);
  ::setenv("HOME", another_home.c_str(), 1);
  ForeignDatabase plain(ForeignDatabase::checked(tenant.url_without_passfile()),
                        POOL_LAB_SQL_FOLDER);
  EXPECT_EQ(plain.password(), "");
  const std::string said = message_of([&] { plain.start(); });
  EXPECT_NE(said.find("wants a password, and none was found"), std::string::npos) << said;
  std::filesystem::copy_file(tenant.passfile(), another_home / ".pgpass");
  EXPECT_EQ(plain.password(), tenant.password());
  EXPECT_NO_THROW(plain.start());
  ::setenv("HOME", home.c_str(), 1);
}

TEST_F(ForeignDatabaseTest, AServerThatIsNotThereIsOneLine) {
  ForeignDatabase nowhere(ForeignDatabase::checked("host=/nowhere user=me dbname=app"),
                          POOL_LAB_SQL_FOLDER);
  const std::string said = message_of([&] { nowhere.start(); });
  EXPECT_NE(said.find("postgresql://me@/app?host=/nowhere can't be entered"), std::string::npos)
      << said;
  EXPECT_EQ(said.find('\n'), std::string::npos) << said;
  EXPECT_EQ(nowhere.problem().value_or(""), said);
}

// The monitor is an ordinary login there: it must count those it may not look at.
TEST_F(ForeignDatabaseTest, TheMonitorCountsSessionsOfOtherRoles) {
  database.ensure_database();
  Monitor monitor(database.conninfo_admin("pool_lab monitor"));
  const auto before = monitor.read();
  ASSERT_TRUE(before) << monitor.last_error();
  EXPECT_EQ(before->pending_jobs, 10000);
  EXPECT_EQ(before->lab, 1);
  EXPECT_EQ(before->login_limit, -1);

  run_now(*tenant.connect_superuser(), "ALTER ROLE " + tenant.name() + " CONNECTION LIMIT 40");
  std::vector<std::unique_ptr<Connection>> others, ours;
  for (int i = 0; i < 4; ++i)
    others.push_back(tenant.connect_superuser());
  for (int i = 0; i < 3; ++i)
    ours.push_back(connect(database.conninfo_jobs(), 5s));
  auto other_program = parts_of(database.conninfo_jobs("theirs")).value();
  const auto theirs = connect(conninfo_of(other_program), 5s);
  const auto after = monitor.read();
  ASSERT_TRUE(after) << monitor.last_error();
  // Sessions of earlier tests may still be ending, so at least.
  EXPECT_GE(after->total, 1 + 4 + 3 + 1);
  EXPECT_EQ(after->ours, 3);
  EXPECT_EQ(after->lab, 1 + 3);
  EXPECT_EQ(after->login_total, 1 + 3 + 1);
  EXPECT_EQ(after->login_limit, 40);
  EXPECT_GE(after->database_total, 1 + 4 + 3 + 1);
  EXPECT_EQ(after->database_limit, -1);
}

} // namespace
} // namespace lab::db
