#include "db/test_tenant.hpp"

#include "db/conninfo.hpp"
#include "db/private_file.hpp"
#include "db/tables.hpp"

#include <chrono>

#include <unistd.h>

#include <fmt/format.h>

namespace lab::db {

namespace {

using namespace std::chrono_literals;

std::string next_name() {
  static int count = 0;
  return fmt::format("tenant{}", ++count);
}

} // namespace

TestTenant::TestTenant(TestPostgres &server)
    : server_(server), name_(next_name()), password_("s3cret'\\ of " + name_),
      passfile_(server.home() / (name_ + ".pgpass")) {
  std::string escaped;
  for (const char c : password_) {
    if (c == '\\' || c == ':')
      escaped += '\\';
    escaped += c;
  }
  // The caller's own, so that the lab's user can't read it.
  write_private_file(passfile_, fmt::format("*:*:*:{}:{}\n", name_, escaped),
                     {::geteuid(), ::getegid(), ""});
  const auto admin = server_.connect_admin();
  run_now(*admin,
          fmt::format("CREATE ROLE {} LOGIN PASSWORD E'{}'", name_, "s3cret\\'\\\\ of " + name_));
  run_now(*admin, fmt::format("CREATE DATABASE {}", name_));
  run_now(*admin, fmt::format("GRANT CREATE ON DATABASE {0} TO {0}", name_));
  const auto there = connect_superuser();
  for (const char *sql :
       {"CREATE TABLE jobs (id serial PRIMARY KEY, what text)",
        "CREATE TABLE workers (id serial PRIMARY KEY, name text)",
        "INSERT INTO jobs (what) SELECT 'row ' || n FROM generate_series(1, 1000) AS n",
        "INSERT INTO workers (name) VALUES ('theirs')", "CREATE SCHEMA other",
        "CREATE TABLE other.things AS SELECT n FROM generate_series(1, 100) AS n"})
    run_now(*there, sql);
  // Were anything of the lab's to miss its schema, it would not fail, but do harm.
  run_now(*there, fmt::format("GRANT ALL ON ALL TABLES IN SCHEMA public, other TO {}", name_));
  run_now(*there, fmt::format("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {}", name_));
  run_now(*there, fmt::format("GRANT ALL ON SCHEMA public, other TO {}", name_));
}

std::string TestTenant::url_without_passfile() const {
  return fmt::format("host={} dbname={} user={}",
                     quoted_value(server_.postgres().socket().string()), name_, name_);
}

std::string TestTenant::url() const {
  return url_without_passfile() + " passfile=" + quoted_value(passfile_.string());
}

std::unique_ptr<Connection> TestTenant::connect_superuser() const {
  auto parts = parts_of(server_.postgres().conninfo_admin("a neighbour's")).value();
  parts["dbname"] = name_;
  return connect(conninfo_of(parts), 5s);
}

std::string TestTenant::ask(const std::string &sql) const {
  const auto there = connect_superuser();
  return run_now(*there, sql)[0][0].c_str();
}

std::string TestTenant::fingerprint() const {
  return ask(
      "WITH ours AS (SELECT oid FROM pg_namespace WHERE nspname = 'pool_lab'), "
      "kept(what) AS ("
      "SELECT concat('jobs', id, what, ctid, xmin) FROM public.jobs UNION ALL "
      "SELECT concat('workers', id, name, ctid, xmin) FROM public.workers UNION ALL "
      "SELECT concat('things', n, ctid, xmin) FROM other.things UNION ALL "
      "SELECT concat('sequence', schemaname, sequencename, last_value) FROM pg_sequences "
      "WHERE schemaname <> 'pool_lab' UNION ALL "
      "SELECT concat('class', oid, relname, relnamespace, relowner, relfilenode, relacl, "
      "relreplident, relhastriggers, relrowsecurity) FROM pg_class "
      "WHERE relnamespace NOT IN (SELECT oid FROM ours) "
      "AND relnamespace <> 'pg_toast'::regnamespace UNION ALL "
      "SELECT concat('proc', oid, proname, proacl) FROM pg_proc UNION ALL "
      "SELECT concat('type', oid, typname) FROM pg_type "
      "WHERE typnamespace NOT IN (SELECT oid FROM ours) UNION ALL "
      "SELECT concat('trigger', oid, tgname) FROM pg_trigger UNION ALL "
      "SELECT concat('event trigger', oid, evtname) FROM pg_event_trigger UNION ALL "
      "SELECT concat('extension', oid, extname) FROM pg_extension UNION ALL "
      "SELECT concat('rights', oid, defaclacl) FROM pg_default_acl UNION ALL "
      "SELECT concat('namespace', oid, nspname, nspowner, nspacl) FROM pg_namespace "
      "WHERE nspname NOT IN ('pool_lab') AND nspname NOT LIKE 'pg\\_%temp\\_%' UNION ALL "
      "SELECT concat('role', oid, rolname, rolsuper, rolconnlimit, rolpassword) FROM pg_authid "
      "UNION ALL "
      "SELECT concat('member', roleid, member) FROM pg_auth_members UNION ALL "
      "SELECT concat('database', oid, datname, datdba, datacl, datconnlimit) FROM pg_database "
      "UNION ALL "
      "SELECT concat('setting', setdatabase, setrole, setconfig) FROM pg_db_role_setting UNION ALL "
      "SELECT concat('setting', name, setting) FROM pg_file_settings) "
      "SELECT count(*) || ' ' || md5(string_agg(what, ';' ORDER BY what)) FROM kept");
}

} // namespace lab::db
