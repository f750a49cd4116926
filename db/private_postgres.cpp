#include "db/private_postgres.hpp"
#include "db/cluster_processes.hpp"
#include "db/connection.hpp"
#include "db/conninfo.hpp"
#include "db/log_file.hpp"
#include "db/one_line.hpp"
#include "db/private_file.hpp"
#include "db/tables.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <thread>

#include <sys/random.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>
#include <libpq-fe.h>

namespace lab::db {

namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

constexpr const char *version = "15";
constexpr const char *port = "5432"; // of the socket's name only: no TCP port is open
constexpr std::array roles = {"lab_admin", "lab_jobs", "lab_neighbour"};

// Changes of settings that the lab needs; everything else is as shipped.
constexpr const char *settings_file = "lab.conf";

// What a cluster is called until it is whole, with a number behind it.
constexpr const char *half_made = "data.new.";

std::string socket_name() {
  return fmt::format(".s.PGSQL.{}", port);
}

std::string random_password() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw std::runtime_error("no random numbers for passwords from this kernel");
  std::string text;
  for (const auto byte : bytes)
    text += fmt::format("{:02x}", byte);
  return text;
}

// Of what a program or the log said, the line that says most.
std::string telling_line(std::string_view text) {
  std::string last, telling;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    if (line.empty())
      continue;
    last = line;
    for (const char *sign : {"FATAL", "PANIC", "ERROR", "error:", "could not"})
      if (line.find(sign) != std::string::npos) {
        telling = line;
        break;
      }
  }
  return one_line(telling.empty() ? last : telling);
}

// A value in postgresql.conf, of a setting that is a list of folders: quoted as a
// value, and within that as a name.
std::string quoted_folder(const std::string &path) {
  std::string text = "'\"";
  for (const char c : path) {
    if (c == '\'' || c == '"')
      text += c;
    if (c == '\\')
      text += '\\';
    text += c;
  }
  return text + "\"'";
}

// Hashed here, so that no log can hold the password.
std::string password_statement(Connection &connection, const char *role,
                               const std::string &password) {
  const std::unique_ptr<char, decltype(&PQfreemem)> hash(
      PQencryptPasswordConn(connection.handle(), password.c_str(), role, "scram-sha-256"),
      &PQfreemem);
  if (!hash)
    throw std::runtime_error(fmt::format("the password of {} can't be hashed: {}", role,
                                         one_line(PQerrorMessage(connection.handle()))));
  return fmt::format("ALTER ROLE {} PASSWORD '{}'", role, hash.get());
}

} // namespace

PrivatePostgres::PrivatePostgres(fs::path folder, fs::path sql, LabUser user)
    : folder_(fs::absolute(folder).lexically_normal()), sql_(std::move(sql)),
      user_(std::move(user)) {}

fs::path PrivatePostgres::programs() {
  const auto folder = fs::path("/usr/lib/postgresql") / version / "bin";
  for (const char *name : {"initdb", "pg_ctl", "postgres"})
    if (::access((folder / name).c_str(), X_OK) != 0)
      throw std::runtime_error(
          fmt::format("PostgreSQL {} is not installed (no {}): run scripts/lab, which installs it, "
                      "or install the package postgresql-{}",
                      version, (folder / name).string(), version));
  return folder;
}

void PrivatePostgres::ensure_initialised() {
  programs();
  const auto name = socket() / socket_name();
  if (name.string().size() >= sizeof(sockaddr_un::sun_path))
    throw std::runtime_error(
        fmt::format("the path of PostgreSQL's socket is too long ({} characters, at most {}): {}; "
                    "set LAB_HOME to a shorter path",
                    name.string().size(), sizeof(sockaddr_un::sun_path) - 1, name.string()));
  if (name.string().find(',') != std::string::npos)
    throw std::runtime_error(fmt::format("the path of PostgreSQL's socket has a comma, which its "
                                         "clients take for the end: {}; set LAB_HOME to a path "
                                         "without one",
                                         name.string()));
  make_folder(folder_);
  make_folder(socket());
  if (fs::exists(data())) {
    std::ifstream file(data() / "PG_VERSION");
    std::string found;
    if (!(file >> found) || found != version)
      throw std::runtime_error(
          fmt::format("{} is no cluster of PostgreSQL {}: remove that folder to begin anew",
                      data().string(), version));
    if (!fs::exists(passfile()))
      throw std::runtime_error(fmt::format(
          "the passwords of the cluster in {} are gone (no {}): remove both to begin anew",
          data().string(), passfile().string()));
    return;
  }
  if (!fs::exists(passfile()))
    make_passwords();
  make_cluster();
}

void PrivatePostgres::make_folder(const fs::path &path) const {
  if (::mkdir(path.c_str(), 0700) == 0) {
    if (user_.uid != ::geteuid() && ::lchown(path.c_str(), user_.uid, user_.gid) != 0)
      fail_with_errno(path, "can't be given to the lab's user");
  } else if (errno != EEXIST) {
    fail_with_errno(path, "can't be made");
  }
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0 || !S_ISDIR(found.st_mode))
    throw std::runtime_error(fmt::format("{} is no folder: remove it", path.string()));
  if (found.st_uid != user_.uid)
    throw std::runtime_error(fmt::format("{} belongs to user {}, not to {}, whom PostgreSQL runs "
                                         "as: remove it, or set LAB_HOME elsewhere",
                                         path.string(), found.st_uid, user_.name));
  for (fs::path above = path.parent_path();; above = above.parent_path()) {
    struct stat s {};
    if (::stat(above.c_str(), &s) != 0)
      fail_with_errno(above, "can't be looked at");
    const mode_t enters = s.st_uid == user_.uid   ? S_IXUSR
                          : s.st_gid == user_.gid ? S_IXGRP
                                                  : S_IXOTH;
    if (user_.uid != 0 && !(s.st_mode & enters))
      throw std::runtime_error(
          fmt::format("user {}, whom PostgreSQL runs as, may not enter {}: set LAB_HOME to a "
                      "folder elsewhere",
                      user_.name, above.string()));
    if (above == above.root_path())
      return;
  }
}

void PrivatePostgres::make_passwords() const {
  std::string lines;
  for (const char *role : roles) // any host: the folder, and with it the socket, may move
    lines += fmt::format("*:*:*:{}:{}\n", role, random_password());
  write_private_file(passfile(), lines, user_);
}

std::string PrivatePostgres::password_of(const std::string &role) const {
  std::istringstream lines(text_of_file(passfile()));
  const std::string start = "*:*:*:" + role + ":";
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(start))
      return line.substr(start.size());
  throw std::runtime_error(
      fmt::format("{} has no password for {}: remove that file and {} to begin anew",
                  passfile().string(), role, data().string()));
}

void PrivatePostgres::remove_half_made() const {
  std::error_code problem;
  for (const auto &entry : fs::directory_iterator(folder_, problem))
    if (entry.path().filename().string().starts_with(half_made))
      fs::remove_all(entry.path(), problem);
}

// Made aside and put in place whole: a first start that was cut off leaves no
// half a cluster. Each try has a name of its own, for the initdb of one that was
// killed may still be writing. Names are relative, since pg_ctl hands its to a shell.
void PrivatePostgres::make_cluster() const {
  const std::string name = fmt::format("{}{}", half_made, ::getpid());
  const auto aside = folder_ / name;
  const auto password_file = folder_ / "password";
  std::error_code problem;
  remove_half_made();
  write_private_file(password_file, password_of(roles[0]) + "\n", user_);
  const auto made =
      run({.argv = {programs() / "initdb", "-D", name, "-U", roles[0], "--auth=scram-sha-256",
                    "--pwfile=password", "--encoding=UTF8", "--locale=C.UTF-8", "--lc-messages=C"},
           .environment = {{"LC_ALL", "C.UTF-8"}},
           .user = user_,
           .directory = folder_},
          std::chrono::minutes(2));
  fs::remove(password_file, problem);
  if (!made.well()) {
    remove_half_made(); // a full disk needs its room
    fail(made.timed_out ? "initdb took longer than 2 minutes" : "initdb failed", made.output);
  }
  std::string settings = text_of_file(aside / "postgresql.conf");
  write_private_file(aside / "postgresql.conf",
                     settings + fmt::format("\ninclude = '{}'\n", settings_file), user_);
  if (::rename(aside.c_str(), data().c_str()) != 0)
    fail_with_errno(data(), "can't be put in place");
  remove_half_made();
}

// At each start, for the folder may have moved.
void PrivatePostgres::write_settings() const {
  write_private_file(data() / settings_file,
                     fmt::format("# Written by the lab at each start.\n"
                                 "listen_addresses = ''\n"
                                 "port = {}\n"
                                 "unix_socket_directories = {}\n"
                                 "unix_socket_permissions = 0700\n",
                                 port, quoted_folder(socket())),
                     user_);
}

// Prepares a start after a kill -9. PostgreSQL itself copes with stale lock files,
// unless the number in them is by now some other process's, or the killed one's,
// which nobody has reaped. And it can't start while processes of the killed one
// are still there: only when they are gone the lock files mean nothing.
void PrivatePostgres::clear_leftovers() const {
  const auto start = Clock::now();
  bool asked = false;
  for (;;) {
    const auto orphans = processes_in(data());
    if (orphans.empty())
      break;
    const auto waited = Clock::now() - start;
    if (waited > seconds(10))
      throw std::runtime_error(fmt::format("process {} of an earlier PostgreSQL in {} doesn't end: "
                                           "end it with `kill -9 {}` and try again",
                                           orphans.front(), data().string(), orphans.front()));
    if (waited > seconds(1) && !asked) {
      for (const pid_t pid : orphans) { // without a postmaster they serve nobody
        ::kill(pid, SIGQUIT);
        ::kill(pid, SIGCONT);
      }
      asked = true;
    }
    std::this_thread::sleep_for(milliseconds(20));
  }
  for (const auto &stale :
       {data() / "postmaster.pid", socket() / (socket_name() + ".lock"), socket() / socket_name()})
    ::unlink(stale.c_str());
}

void PrivatePostgres::start() {
  ensure_initialised();
  if (!pid()) {
    clear_leftovers();
    write_settings();
    begin_log(log());
    std::error_code absent;
    const auto log_before = fs::exists(log()) ? fs::file_size(log(), absent) : 0;
    const auto started =
        run({.argv = {programs() / "pg_ctl", "start", "-D", "data", "-l", "log", "-w", "-t", "30"},
             .user = user_,
             .directory = folder_,
             .own_session = true},
            seconds(40));
    if (!started.well()) {
      std::string said = fs::exists(log()) ? text_of_file(log()) : "";
      said.erase(0, std::min<std::size_t>(said.size(), log_before));
      fail("PostgreSQL did not start", said.empty() ? started.output : said);
    }
  }
  wait_until_it_accepts();
}

void PrivatePostgres::wait_until_it_accepts() const {
  const auto deadline = Clock::now() + seconds(30);
  for (;;) {
    try {
      connect(conninfo("postgres", roles[0], "pool_lab start"), seconds(2));
      return;
    } catch (const ConnectRefused &e) {
      if (Clock::now() > deadline)
        throw std::runtime_error(
            fmt::format("PostgreSQL in {} runs but accepts no connection ({}): see {}",
                        folder_.string(), e.error.message, log().string()));
    }
    std::this_thread::sleep_for(milliseconds(50));
  }
}

void PrivatePostgres::ensure_database() {
  {
    const auto server = connect(conninfo("postgres", roles[0], "pool_lab setup"), seconds(5));
    if (run_now(*server, "SELECT FROM pg_database WHERE datname = 'lab'").empty())
      run_now(*server, "CREATE DATABASE lab");
  }
  const auto database = connect(conninfo_admin("pool_lab setup"), seconds(5));
  if (!run_now(*database, "SELECT to_regclass('public.jobs')")[0][0].is_null())
    return;
  make_tables(*database, sql_, {},
              {text_of_file(sql_ / "roles.sql"),
               password_statement(*database, "lab_jobs", password_of("lab_jobs")),
               password_statement(*database, "lab_neighbour", password_of("lab_neighbour"))});
}

void PrivatePostgres::reset(Checkpoint checkpoint) {
  const auto database = connect(conninfo_admin("pool_lab reset"), seconds(5));
  reset_tables(*database, sql_);
  if (checkpoint == Checkpoint::yes)
    run_now(*database, "CHECKPOINT");
}

void PrivatePostgres::stop(seconds limit) {
  const auto postmaster = pid();
  if (!postmaster)
    return;
  for (const pid_t process : processes_in(data()))
    ::kill(process, SIGCONT); // a frozen one would hear nothing
  const auto stop_within = [&](const char *mode, seconds most) {
    return run({.argv = {programs() / "pg_ctl", "stop", "-D", "data", "-m", mode, "-w", "-t",
                         std::to_string(most.count())},
                .user = user_,
                .directory = folder_},
               most + seconds(5));
  };
  if (stop_within("fast", limit).well() || !pid())
    return;
  const auto stopped = stop_within("immediate", seconds(10));
  if (pid())
    fail("PostgreSQL did not stop", stopped.output);
}

std::optional<pid_t> PrivatePostgres::pid() const {
  return postmaster_of(data());
}

std::optional<std::string> PrivatePostgres::problem() const {
  if (pid())
    return std::nullopt;
  return "PostgreSQL does not run: run scripts/lab up";
}

std::optional<double> PrivatePostgres::total_cpu_seconds() const {
  const auto postmaster = pid();
  return postmaster ? cpu_seconds_of(*postmaster) : std::nullopt;
}

std::string PrivatePostgres::conninfo(const std::string &database, const std::string &role,
                                      const std::string &application) const {
  return fmt::format("host={} port={} dbname={} user={} passfile={} application_name={}",
                     quoted_value(socket().string()), port, database, role,
                     quoted_value(passfile().string()), quoted_value(application));
}

std::string PrivatePostgres::conninfo_jobs(const std::string &application) const {
  return conninfo("lab", "lab_jobs", application);
}

std::string PrivatePostgres::conninfo_admin(const std::string &application) const {
  return conninfo("lab", "lab_admin", application) +
         fmt::format(" options={}", quoted_value(for_administration));
}

std::string PrivatePostgres::conninfo_neighbour(const std::string &application) const {
  return conninfo("lab", "lab_neighbour", application);
}

void PrivatePostgres::fail(const std::string &what, const std::string &output) const {
  const auto line = telling_line(output);
  const char *advice = line.find("No space left") != std::string::npos
                           ? "; free some space on that disk and try again"
                       : line.find("Permission denied") != std::string::npos
                           ? "; set LAB_HOME to a folder that the lab's user may write in"
                           : "";
  throw std::runtime_error(fmt::format("{} in {}: {}{}", what, folder_.string(),
                                       line.empty() ? "it said nothing" : line, advice));
}

} // namespace lab::db
