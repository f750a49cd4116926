// A whole lab on a database that is not its own. Another PostgreSQL of this test
// plays the foreign server; the login there is nobody special, has a password, and
// finds tables called `jobs` and `workers` in its search path that it could empty.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "db/connection_share.hpp"
#include "db/conninfo.hpp"
#include "db/private_file.hpp"
#include "db/tables.hpp"
#include "db/test_tenant.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/load_lock.hpp"
#include "loadtest/lab/monitoring/daemon.hpp"
#include "loadtest/lab/monitoring/monitoring.hpp"
#include "loadtest/lab/ports.hpp"
#include "loadtest/lab/process.hpp"
#include "loadtest/lab/test_lab.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr const char *secret = "s3cret"; // how TestTenant's passwords begin

int lines_in(const std::string &text) {
  return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

class ForeignLab : public testing::Test {
protected:
  static void SetUpTestSuite() {
    server_ = std::make_unique<db::TestPostgres>();
    tenant_ = std::make_unique<db::TestTenant>(*server_);
    lab_ = std::make_unique<TestLab>();
  }
  static void TearDownTestSuite() {
    lab_.reset();
    tenant_.reset();
    server_.reset();
  }

  // As TestLab::lab; what was said is kept, to be searched for the password.
  static TestLab::Said lab(std::vector<std::string> arguments) {
    TestLab::Said said = lab_->lab(std::move(arguments));
    said_ += said.out + said.err;
    return said;
  }
  static void up_there() {
    const auto up = lab({"up", "--database", tenant_->url()});
    ASSERT_EQ(up.status, 0) << up.err;
  }
  static void up_here() {
    const auto up = lab({"up", "--database", "private"});
    ASSERT_EQ(up.status, 0) << up.err;
  }

  // Connections of the lab on the foreign server, those of its pool among them, and of
  // all others, at one moment.
  struct Seen {
    int lab = 0, pool = 0, others = 0;
    int half_of_free() const { return (100 - 3 - others) / 2; }
  };
  static Seen look(db::Connection &superuser) {
    const auto row = db::run_now(
        superuser, "SELECT count(*) FILTER (WHERE application_name LIKE 'pool\\_lab%'), "
                   "count(*) FILTER (WHERE application_name = 'pool_lab host'), "
                   "count(*) FILTER (WHERE application_name NOT LIKE 'pool\\_lab%') "
                   "FROM pg_stat_activity WHERE backend_type = 'client backend'")[0];
    return {row[0].as<int>(), row[1].as<int>(), row[2].as<int>()};
  }

  static std::unique_ptr<db::TestPostgres> server_;
  static std::unique_ptr<db::TestTenant> tenant_;
  static std::unique_ptr<TestLab> lab_;
  static std::string said_;
};

std::unique_ptr<db::TestPostgres> ForeignLab::server_;
std::unique_ptr<db::TestTenant> ForeignLab::tenant_;
std::unique_ptr<TestLab> ForeignLab::lab_;
std::string ForeignLab::said_;

TEST_F(ForeignLab, NothingOutsideItsOwnSchemaIsTouchedFromUpToDown) {
  const std::string before = tenant_->fingerprint();
  const pid_t postmaster = server_->postgres().pid().value();
  up_there();
  const json report = lab_->status();
  EXPECT_TRUE(report["problems"].empty()) << report.dump();
  EXPECT_EQ(report["database"], "foreign");
  EXPECT_THAT(report["database_url"].get<std::string>(),
              HasSubstr(fmt::format("postgresql://{0}@/{0}?host=", tenant_->name())));
  EXPECT_TRUE(report["postgres_pid"].is_null());
  EXPECT_FALSE(lab_->places().postgres(db::lab_user()).pid()) << "the lab's own serves nobody now";
  const pid_t host = report["host_pid"];

  const auto load = lab({"load", "hold", "--seconds", "2", "--warm-up", "0.5", "--json"});
  EXPECT_LE(load.status, 1) << load.out << load.err;
  const json summary = json::parse(load.out);
  EXPECT_GT(summary["ok"].get<int>(), 50);
  EXPECT_TRUE(summary["processor"]["postgres_percent"].is_null());
  EXPECT_THAT(summary["why"].get<std::string>(), Not(HasSubstr("null")));

  EXPECT_EQ(lab({"psql", "--", "psql", "-AtXc", "SELECT count(*), current_user FROM jobs"}).out,
            fmt::format("10000|{}\n", tenant_->name()));
  ASSERT_EQ(lab({"psql", "--", "psql", "-AtXc", "DELETE FROM jobs"}).status, 0);
  EXPECT_EQ(lab({"reset"}).status, 0);
  EXPECT_EQ(lab({"psql", "--", "psql", "-AtXc", "SELECT count(*) FROM jobs"}).out, "10000\n");

  EXPECT_EQ(lab({"up"}).status, 0); // remembered: the same database, the same host
  EXPECT_EQ(lab_->status()["host_pid"], host);
  const auto down = lab({"down"});
  EXPECT_EQ(down.out, "stopped: host, agent\n");
  EXPECT_EQ(server_->postgres().pid(), postmaster);
  EXPECT_EQ(tenant_->fingerprint(), before);

  up_here();
  const json back = lab_->status();
  EXPECT_TRUE(back["problems"].empty()) << back.dump();
  EXPECT_EQ(back["database"], "private");
  EXPECT_TRUE(back["postgres_pid"].is_number());
  EXPECT_EQ(lab({"psql", "--", "psql", "-AtXc", "SELECT count(*), current_user FROM jobs"}).out,
            "10000|lab_jobs\n");
  EXPECT_EQ(tenant_->fingerprint(), before);
}

TEST_F(ForeignLab, ASchemaThatItDidNotMakeIsRefusedAndTheLabStaysWhereItWas) {
  up_here();
  const json before_up = lab_->status();
  const db::TestTenant other(*server_);
  const auto superuser = other.connect_superuser();
  db::run_now(*superuser, "CREATE SCHEMA pool_lab AUTHORIZATION " + other.name());
  db::run_now(*superuser, "CREATE TABLE pool_lab.jobs AS SELECT 1 AS id");
  db::run_now(*superuser, "GRANT ALL ON pool_lab.jobs TO " + other.name());
  const auto state = [&] {
    return other.fingerprint() + other.ask("SELECT string_agg(concat(oid, relname, relfilenode), "
                                           "';' ORDER BY oid) FROM pg_class "
                                           "WHERE relnamespace = 'pool_lab'::regnamespace");
  };
  const std::string before = state();
  const auto up = lab({"up", "--database", other.url()});
  EXPECT_EQ(up.status, 64);
  EXPECT_THAT(up.err, HasSubstr("a schema pool_lab that the lab did not make"));
  EXPECT_EQ(lines_in(up.err), 1) << up.err;
  EXPECT_EQ(state(), before);
  const json after = lab_->status();
  EXPECT_EQ(after["database"], "private");
  EXPECT_EQ(after["host_pid"], before_up["host_pid"]);
  EXPECT_TRUE(after["problems"].empty()) << after.dump();
}

TEST_F(ForeignLab, AtMostHalfOfTheFreeConnectionsAreTakenAndItGivesWay) {
  up_there();
  ASSERT_EQ(lab({"use", "fixed_huge"}).status, 0);
  const auto superuser = tenant_->connect_superuser();

  db::Launch how = lab_->launch({"load", "ceiling", "--seconds", "12", "--warm-up", "0.5"});
  how.out = how.err = db::Output::discarded();
  db::Child load(how);
  int peak = 0;
  std::string over; // looks at which the lab had more than its half
  const auto watch = [&] {
    const Seen seen = look(*superuser);
    peak = std::max(peak, seen.lab);
    if (seen.lab > seen.half_of_free())
      over += fmt::format("{} beside {} others; ", seen.lab, seen.others);
    return seen;
  };
  ASSERT_TRUE(eventually([&] { return watch().lab >= 40; })) << "peak " << peak;
  const auto until = std::chrono::steady_clock::now() + 2s;
  while (std::chrono::steady_clock::now() < until)
    (void)watch();
  EXPECT_EQ(over, "") << "peak " << peak;
  const json pool = lab_->host().pool();
  EXPECT_LE(pool["plan"]["max_in_use"].get<int>(), 48) << "what a strategy is shown, too";
  EXPECT_GT(pool["counts"]["clamped"].get<int>(), 0);

  // Others come: the lab gives way, though its strategy still wants 500.
  std::vector<std::unique_ptr<db::Connection>> others;
  for (int i = 0; i < 45; ++i)
    others.push_back(tenant_->connect_superuser());
  EXPECT_TRUE(eventually([&] { return watch().lab <= watch().half_of_free(); }, 3s))
      << look(*superuser).lab;
  // What is held goes when it comes back; until then, whoever else of the lab connects
  // may be one too many.
  EXPECT_TRUE(eventually(
      [&] {
        const Seen seen = watch();
        return seen.pool + db::besides_the_pool <= seen.half_of_free();
      },
      3s));
  over.clear();
  const auto still = std::chrono::steady_clock::now() + 1s;
  while (std::chrono::steady_clock::now() < still)
    (void)watch();
  EXPECT_EQ(over, "");
  const int with_others = look(*superuser).lab;
  EXPECT_GT(with_others, 5) << "the load still runs";
  // They go again, and it may have more.
  others.clear();
  EXPECT_TRUE(eventually([&] { return watch().lab > with_others + 10; }, 5s));
  load.send(SIGINT);
  EXPECT_TRUE(load.wait_for(20s));

  // The lab's own server has no such limit: running into the ceiling is a lesson.
  up_here();
  EXPECT_EQ(lab_->host().pool()["plan"]["max_in_use"], 500);
  EXPECT_TRUE(lab_->host().pool()["plan"]["share"].is_null());
  ASSERT_EQ(lab({"use", "bounded_timeout"}).status, 0);
}

TEST_F(ForeignLab, FaultsAreRefused) {
  up_there();
  const pid_t postmaster = server_->postgres().pid().value();
  const std::vector<std::vector<std::string>> faults = {
      {"kill"}, {"kill", "--seconds", "1"}, {"restart"}, {"freeze"}, {"terminate"}, {"take", "1"}};
  for (auto fault : faults) {
    fault.insert(fault.begin(), "fault");
    const auto said = lab(fault);
    EXPECT_EQ(said.status, 64) << fault[1];
    EXPECT_EQ(said.out, "") << fault[1];
    EXPECT_EQ(lines_in(said.err), 1) << said.err;
    EXPECT_THAT(said.err, HasSubstr("is for the lab's own PostgreSQL")) << fault[1];
  }
  // What the host does to itself hurts nobody else.
  EXPECT_EQ(lab({"fault", "leak", "1", "--seconds", "1"}).status, 0);
  EXPECT_EQ(lab({"fault", "slow-connects", "10", "--seconds", "1"}).status, 0);
  EXPECT_EQ(lab({"fault", "clear"}).status, 0);
  EXPECT_EQ(lab({"load", "hold", "--fault", "freeze"}).status, 64);
  EXPECT_EQ(server_->postgres().pid(), postmaster);
  EXPECT_NO_THROW((void)tenant_->ask("SELECT 1")) << "not frozen";
}

TEST_F(ForeignLab, TheDatabaseIsNotChangedUnderALoad) {
  up_there();
  db::Launch how = lab_->launch({"load", "hold", "--seconds", "60"});
  how.out = how.err = db::Output::discarded();
  db::Child load(how);
  ASSERT_TRUE(eventually([&] { return LoadLock::owner(lab_->places().load_lock()).has_value(); }));
  EXPECT_EQ(lab({"up", "--database", "private"}).status, 64);
  EXPECT_EQ(lab_->status()["database"], "foreign");
  load.send(SIGINT);
  EXPECT_TRUE(load.wait_for(20s));
}

TEST_F(ForeignLab, AHostThatEndsComesBackWithItsPassword) {
  up_there();
  const int before = lab_->status()["host_pid"];
  ASSERT_EQ(::kill(before, SIGKILL), 0);
  EXPECT_TRUE(eventually([&] {
    const json report = lab_->status();
    return report["host_pid"].is_number() && report["host_pid"] != before &&
           report["problems"].empty();
  })) << lab_->status().dump();
  EXPECT_TRUE(eventually([&] { return lab_->host().health()["pending_jobs"] == 10000; }));
}

// After all that was done above, and while a load runs.
TEST_F(ForeignLab, ThePasswordIsNowhereToBeSeen) {
  up_there();
  db::Launch how = lab_->launch({"load", "hold", "--seconds", "60"});
  const auto progress = lab_->folder() / "progress";
  how.out = how.err = db::Output::appended_to(progress);
  db::Child load(how);
  ASSERT_TRUE(eventually([&] { return lab_->host().pool()["in_use"] > 0; }));
  for (const std::vector<std::string> &command : {std::vector<std::string>{"status"},
                                                  {"status", "--json"},
                                                  {"logs"},
                                                  {"url"},
                                                  {"strategies"},
                                                  {"psql", "--", "env"},
                                                  {"psql", "--", "psql", "-XAtc", "\\conninfo"},
                                                  {"--help"}})
    (void)lab(command);
  EXPECT_THAT(said_, HasSubstr("PGPASSFILE=" + tenant_->passfile().string()));
  EXPECT_THAT(said_, HasSubstr("You are connected"));
  EXPECT_THAT(said_, Not(HasSubstr(secret)));
  EXPECT_THAT(lab_->host().pool().dump() + lab_->host().health().dump(), Not(HasSubstr(secret)));

  int programs = 0;
  for (const auto &process : fs::directory_iterator("/proc")) {
    for (const char *file : {"cmdline", "environ"}) {
      const std::string text = text_of_file(process.path() / file).value_or("");
      programs += text.find(lab_->folder().string()) != std::string::npos ? 1 : 0;
      EXPECT_THAT(text, Not(HasSubstr(secret))) << process.path();
    }
  }
  EXPECT_GE(programs, 3) << "host, agent and load were looked at";

  load.send(SIGINT);
  EXPECT_TRUE(load.wait_for(20s));
  int files = 0;
  for (const auto &entry : fs::recursive_directory_iterator(lab_->folder())) {
    if (!entry.is_regular_file())
      continue;
    ++files;
    EXPECT_THAT(text_of_file(entry.path()).value_or(""), Not(HasSubstr(secret))) << entry.path();
  }
  EXPECT_GT(files, 20);
}

// The password is planted where it would be told: in logs, bare and in a connection
// string, and in what the lab remembers of the database.
TEST_F(ForeignLab, ABugReportHasNeitherThePasswordNorWhoseDatabaseItIs) {
  up_there();
  const auto log = lab_->places().host_log();
  const std::string before = text_of_file(log).value_or("");
  std::ofstream(log, std::ios::app)
      << fmt::format("it said {} in passing\n", tenant_->password())
      << fmt::format("connecting with {} password={}\n", tenant_->url(),
                     db::quoted_value(tenant_->password()))
      << "postgresql://" << tenant_->name() << ":" << secret << "@elsewhere.example.org/app\n";
  const auto file = lab_->folder() / "report.txt";
  const auto made = lab({"doctor", "--bundle", file});
  ASSERT_EQ(made.status, 0) << made.err;
  std::ofstream(log) << before; // another test looks for it in all files
  const std::string report = text_of_file(file).value_or("");
  EXPECT_THAT(report, HasSubstr("\"database\": \"foreign\""));
  EXPECT_THAT(report, HasSubstr("it said (secret) in passing"));
  EXPECT_THAT(report, Not(HasSubstr(secret)));
  EXPECT_THAT(report, Not(HasSubstr("user='" + tenant_->name())));
  EXPECT_THAT(report, Not(HasSubstr(tenant_->name() + "@")));
  EXPECT_THAT(report, Not(HasSubstr("elsewhere.example.org")));
}

// The exporter gets in with the login that was named, and a password that nobody sees.
TEST_F(ForeignLab, IsMonitored) {
  if (!program_in_path("prometheus") || !program_in_path("prometheus-postgres-exporter"))
    GTEST_SKIP() << "prometheus and prometheus-postgres-exporter are not installed";
  up_there();
  const auto up = lab({"up", "--monitoring", "--port",
                       std::to_string(free_port_after(lab_->port(), monitoring_ports))});
  ASSERT_EQ(up.status, 0) << up.err;
  const json report = lab_->status();
  EXPECT_TRUE(report["problems"].empty()) << report["problems"].dump();
  const auto exporter =
      fs::path("/proc") / std::to_string(report["monitoring"]["exporter_pid"].get<int>());
  for (const fs::path &shown :
       {exporter / "cmdline", exporter / "environ", lab_->places().monitoring() / "exporter.json",
        lab_->places().monitoring() / "exporter.log"})
    EXPECT_EQ(text_of_file(shown).value_or("").find(secret), std::string::npos) << shown;
  EXPECT_EQ(lab({"up", "--no-monitoring", "--port", std::to_string(lab_->port())}).status, 0);
}

TEST_F(ForeignLab, AUrlWithAPasswordIsRefusedAndNotEchoed) {
  const json before = lab_->status();
  for (const std::vector<std::string> &words :
       {std::vector<std::string>{"up", "--database", "postgresql://me:hush@localhost/app"},
        {"up", "--database=postgresql://me:hush@localhost/app"},
        {"--database", "host=localhost password=hush"},
        {"up", "--database", "postgresql://me@localhost/app?password=hush"},
        {"up", "--databse", "postgresql://me:hush@localhost/app"},
        {"up", "postgresql://me:hush@localhost/app"}}) {
    const auto said = lab(words);
    EXPECT_EQ(said.status, 64) << words.back();
    EXPECT_EQ(lines_in(said.err), 1) << said.err;
    EXPECT_THAT(said.err, HasSubstr("~/.pgpass"));
    EXPECT_THAT(said.out + said.err, Not(HasSubstr("hush")));
  }
  EXPECT_EQ(lab_->status()["host_pid"], before["host_pid"]);
}

// scripts/lab would else show it for as long as a build takes.
TEST_F(ForeignLab, AUrlWithAPasswordIsRefusedBeforeAnythingIsBuilt) {
  const auto clone = lab_->folder() / "clone"; // nothing in it could be built
  fs::create_directories(clone / "scripts");
  for (const char *file : {"lab", "packages", "install-packages"})
    fs::copy_file(fs::path(LAB_SCRIPTS) / file, clone / "scripts" / file);
  const auto script = [&](std::vector<std::string> words) {
    words.insert(words.begin(), clone / "scripts" / "lab");
    return db::run({.argv = words, .environment = {{"LAB_HOME", clone / "home"}}}, 30s);
  };
  for (const std::vector<std::string> &words :
       {std::vector<std::string>{"up", "--database", "postgresql://me:hush@localhost/app"},
        {"--database=postgres://me:hush@localhost"},
        {"up", "--database", "host=localhost password = hush"},
        {"--database", "postgresql://me@localhost/app?sslmode=require&password=hush"}}) {
    const auto said = script(words);
    EXPECT_EQ(said.ended.status, 64) << said.output;
    EXPECT_THAT(said.output, HasSubstr("~/.pgpass")) << words.back();
    EXPECT_THAT(said.output, Not(HasSubstr("hush")));
    EXPECT_EQ(lines_in(said.output), 1) << said.output;
  }
  EXPECT_FALSE(fs::exists(clone / "build"));
  // Others are not: this one asks what can't be had, since nothing is built.
  const auto said = script({"psql", "--database", "postgresql://me@localhost:5433/app?x=a:b@c"});
  EXPECT_THAT(said.output, HasSubstr("not built"));
}

TEST_F(ForeignLab, WithoutAPasswordThatIsFoundItSaysSo) {
  up_here();
  const auto up = lab({"up", "--database", tenant_->url_without_passfile()});
  EXPECT_EQ(up.status, 64);
  EXPECT_THAT(up.err, HasSubstr("wants a password, and none was found"));
  EXPECT_EQ(lines_in(up.err), 1) << up.err;
  EXPECT_EQ(lab_->status()["database"], "private");
}

// The host may run as another user than whoever calls: it must get in itself.
TEST_F(ForeignLab, ADatabaseThatOnlyTheCallerMayEnterIsRefused) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "needs root: only then the host is another user than the caller";
  up_here();
  const db::TestTenant callers(*server_);
  const auto superuser = callers.connect_superuser();
  const auto hba = server_->postgres().data() / "pg_hba.conf";
  const std::string before = text_of_file(hba).value();
  db::write_private_file(hba, fmt::format("local {0} {0} peer map={0}\n", callers.name()) + before,
                         db::lab_user());
  db::write_private_file(server_->postgres().data() / "pg_ident.conf",
                         fmt::format("{0} root {0}\n", callers.name()), db::lab_user());
  db::run_now(*superuser, "SELECT pg_reload_conf()");
  ASSERT_TRUE(eventually([&] {
    return callers.ask(fmt::format("SELECT count(*) FROM pg_hba_file_rules WHERE auth_method = "
                                   "'peer' AND '{}' = ANY (database)",
                                   callers.name())) == "1";
  }));
  // Without its passfile, so that only peer is left.
  const auto up = lab({"up", "--database", callers.url_without_passfile()});
  EXPECT_EQ(up.status, 64);
  EXPECT_THAT(up.err, HasSubstr("the host (user pool-lab) can't enter postgresql://"));
  EXPECT_THAT(up.err, HasSubstr("Peer authentication failed"));
  EXPECT_EQ(lines_in(up.err), 1) << up.err;
  const json report = lab_->status();
  EXPECT_EQ(report["database"], "private") << "the lab stays where it was";
  EXPECT_TRUE(report["problems"].empty()) << report.dump();
  EXPECT_TRUE(eventually([&] { return lab_->host().health()["pending_jobs"] == 10000; }));
  db::write_private_file(hba, before, db::lab_user());
  db::run_now(*superuser, "SELECT pg_reload_conf()");
}

TEST_F(ForeignLab, TheEnvironmentHasNoSay) {
  up_here();
  ASSERT_EQ(lab({"down"}).status, 0);
  const db::TestTenant tempting(*server_);
  const std::string its = " FROM pg_stat_activity WHERE datname = '" + tempting.name() + "'";
  ASSERT_TRUE(eventually([&] { return tenant_->ask("SELECT count(*)" + its) == "0"; }));
  const auto sessions = [&] { // so far; asked from another database
    return tenant_->ask("SELECT sessions FROM pg_stat_database WHERE datname = '" +
                        tempting.name() + "'");
  };
  const std::string before = sessions();
  ASSERT_NE(before, "0") << "those that made it count";
  const auto lab_there = [&](std::vector<std::string> arguments) {
    db::Launch how = lab_->launch(std::move(arguments));
    const std::string socket = server_->postgres().socket();
    for (const auto &[name, value] : std::map<std::string, std::string>{
             {"PGHOST", socket},
             {"PGUSER", tempting.name()},
             {"PGDATABASE", tempting.name()},
             {"PGPASSFILE", tempting.passfile()},
             {"PGPASSWORD", tempting.password()},
             {"DATABASE_URL", "postgresql://" + tempting.name() + "@/" + tempting.name() +
                                  "?host=" + socket + "&passfile=" + tempting.passfile().string()}})
      how.environment[name] = value;
    return db::run(how, 60s);
  };
  const auto up = lab_there({"up"});
  EXPECT_EQ(up.ended.status, 0) << up.output;
  EXPECT_EQ(lab_->status()["database"], "private");
  EXPECT_TRUE(eventually([&] { return lab_->host().health()["pending_jobs"] == 10000; }));
  // What a URL leaves open is not filled in from there either.
  for (const std::string &who : {std::string(), " user=" + tempting.name()}) {
    const auto open =
        lab_there({"up", "--database",
                   fmt::format("host='{}' dbname={}{}", server_->postgres().socket().string(),
                               tempting.name(), who)});
    EXPECT_EQ(open.ended.status, 64) << open.output;
    EXPECT_THAT(open.output, HasSubstr("wants a password"));
  }
  EXPECT_EQ(tenant_->ask("SELECT count(*)" + its), "0");
  EXPECT_EQ(sessions(), before);
}

TEST_F(ForeignLab, TheLabsOwnServerTakesFaults) {
  up_here();
  const pid_t before = lab_->status()["postgres_pid"];
  EXPECT_EQ(lab({"fault", "restart"}).status, 0);
  const pid_t restarted = lab_->status()["postgres_pid"];
  EXPECT_NE(restarted, before);

  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(lab({"fault", "freeze", "--seconds", "1"}).status, 0);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 1s);
  EXPECT_EQ(lab({"psql", "--", "psql", "-AtXc", "SELECT 1"}).out, "1\n");

  db::Launch how = lab_->launch({"fault", "freeze", "--seconds", "60"});
  how.out = db::Output::captured();
  db::Child freeze(how);
  ASSERT_TRUE(freeze.line(10s)) << "it says when it is frozen";
  freeze.send(SIGINT);
  const auto end = freeze.wait_for(10s);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->status, 130);
  EXPECT_EQ(lab({"psql", "--", "psql", "-AtXc", "SELECT 1"}).out, "1\n");

  db::Child again(how);
  ASSERT_TRUE(again.line(10s));
  EXPECT_EQ(lab({"fault", "freeze"}).status, 64) << "one at a time";
  EXPECT_EQ(lab({"fault", "clear"}).status, 0);
  EXPECT_TRUE(again.wait_for(10s)) << "clear ends the freeze, not only the ice";
  EXPECT_EQ(lab({"fault", "freeze", "--seconds", "1"}).status, 0);

  EXPECT_EQ(lab({"fault", "kill"}).status, 0);
  EXPECT_TRUE(lab_->status()["postgres_pid"].is_null());
  EXPECT_TRUE(eventually([&] { return lab_->host().health().contains("database"); }));
  EXPECT_TRUE(lab_->status()["postgres_pid"].is_null()) << "nothing starts it by itself";
  EXPECT_EQ(lab({"fault", "clear"}).status, 0);
  EXPECT_TRUE(eventually([&] { return lab({"status"}).status == 0; }));
  EXPECT_EQ(lab({"fault", "freeze", "--seconds", "121"}).status, 64);
  EXPECT_EQ(lab({"fault"}).out, "no fault is in force\n");
}

} // namespace
} // namespace lab::cli
