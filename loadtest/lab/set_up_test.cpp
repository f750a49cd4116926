// Whatever the machine is like, the lab works, or one clear line says what is
// wrong and how to mend it, and the next `up` does. Here: networks, ports, other
// labs, killed processes, another PostgreSQL. Waits on conditions only.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "db/private_file.hpp"
#include "db/private_postgres.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/host_api.hpp"
#include "loadtest/lab/lab_processes.hpp"
#include "loadtest/lab/ports.hpp"
#include "loadtest/lab/process.hpp"
#include "loadtest/lab/state.hpp"
#include "loadtest/lab/test_home.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;

TEST(SetUp, NeedsNoNetworkOnceInstalled) {
  if (!is_root())
    GTEST_SKIP() << "a namespace without network needs root";
  const TestHome home;
  const auto script = fmt::format("ip link set lo up && \"$0\" up --port {} && \"$0\" use "
                                  "bounded_timeout && \"$0\" load hold --seconds 2 --warm-up 0; "
                                  "load=$?; \"$0\" status; status=$?; \"$0\" down; "
                                  "echo \"load $load status $status\"",
                                  home.port());
  Ways alone{.environment = home.places().environment()};
  alone.through = {"unshare", "-n", "sh", "-c", script};
  const auto said = run_apart({home.places().program("lab")}, alone);
  EXPECT_THAT(said.out, testing::ContainsRegex("load [02] status 0")) << said.out << said.err;
}

TEST(SetUp, AStepThatWasRenamedIsNotReadOn) {
  const TestHome home;
  const fs::path steps = home.places().path_steps();
  fs::rename(steps / "1-gauges.toml", steps / "1-meters.toml"); // as an older clone called it
  home.install();
  EXPECT_FALSE(fs::exists(steps / "1-meters.toml"));
  EXPECT_TRUE(fs::exists(steps / "1-gauges.toml"));
}

TEST(SetUp, ALoopbackThatIsDownIsTold) {
  if (!is_root())
    GTEST_SKIP() << "a namespace without network needs root";
  const TestHome home;
  const auto said = home.lab({"doctor", "--json"}, {.through = {"unshare", "-n"}});
  EXPECT_EQ(said.status, 1);
  EXPECT_THAT(said.out, HasSubstr("ip link set lo up"));
}

// As a program of somebody else's would: bound, and listening.
class Listener {
public:
  explicit Listener(unsigned short port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int yes = 1;
    ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    works_ = ::bind(fd_, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0 &&
             ::listen(fd_, 1) == 0;
  }
  ~Listener() { ::close(fd_); }
  Listener(const Listener &) = delete;
  Listener &operator=(const Listener &) = delete;
  bool works() const { return works_; }

private:
  int fd_;
  bool works_ = false;
};

TEST(SetUp, APortThatIsFreeAgainIsUsed) {
  const TestHome home;
  {
    const Listener other(home.port());
    ASSERT_TRUE(other.works());
    const auto said = home.up();
    EXPECT_EQ(said.status, 64);
    EXPECT_TRUE(is_one_line(said.err)) << said.err;
    EXPECT_THAT(said.err, HasSubstr(fmt::format("(process {})", ::getpid())));
  }
  const auto said = home.up();
  EXPECT_EQ(said.status, 0) << said.err;
}

TEST(SetUp, TwoClonesServeSideBySide) {
  const TestHome one, other;
  ASSERT_EQ(one.up().status, 0);
  const auto refused = other.lab({"up", "--port", std::to_string(one.port())});
  EXPECT_EQ(refused.status, 64);
  EXPECT_TRUE(is_one_line(refused.err)) << refused.err;
  EXPECT_THAT(refused.err,
              HasSubstr(fmt::format("lab_host (process {})", one.status()["host_pid"].get<int>())));
  const auto offer = refused.err.find("--port ");
  ASSERT_NE(offer, std::string::npos);
  const std::string offered = std::to_string(std::stoi(refused.err.substr(offer + 7)));
  const auto up = other.lab({"up", "--port", offered});
  ASSERT_EQ(up.status, 0) << up.err;
  EXPECT_NO_THROW(HostApi(one.port()).health());
  EXPECT_NO_THROW(HostApi(static_cast<unsigned short>(std::stoi(offered))).health());

  ASSERT_EQ(one.lab({"down"}).status, 0);
  EXPECT_EQ(other.lab({"status"}).status, 0) << "one's down is not the other's";
  ASSERT_EQ(other.lab({"down"}).status, 0);
  ASSERT_EQ(other.lab({"up"}).status, 0);
  EXPECT_THAT(other.lab({"url"}).out, HasSubstr(":" + offered)) << "remembered";
}

TEST(SetUp, EverythingKilledAndItsNumbersTakenByOthersIsMended) {
  const TestHome home;
  ASSERT_EQ(home.up().status, 0);
  ASSERT_EQ(home.lab({"use", "adaptive"}).status, 0);
  ASSERT_EQ(home.lab({"psql", "--", "psql", "-c", "INSERT INTO jobs (type) VALUES ('send_email')"})
                .status,
            0);
  const auto processes = lab_processes(home.places());
  ASSERT_GT(processes.size(), 5U);
  // The agent first, for it starts others.
  for (const char *first : {"lab agent", ""})
    for (const LabProcess &one : processes)
      if (*first == '\0' || one.program == first)
        ::kill(one.id.pid, SIGKILL);
  ASSERT_TRUE(eventually([&] { return lab_processes(home.places()).empty(); }));

  db::Child unrelated({.argv = {"sleep", "600"}});
  // A shell that stands in the data folder is no part of PostgreSQL.
  db::Child shell(
      {.argv = {"sleep", "600"}, .directory = home.places().postgres_folder() / "data"});
  const auto taken_over = [&](const fs::path &record) {
    json content = json::parse(text_of_file(record).value());
    content["pid"] = unrelated.pid(); // started at another time than the record says
    std::ofstream(record) << content.dump();
  };
  taken_over(home.places().host_record());
  taken_over(home.places().agent_lock());
  const auto pid_file = home.places().postgres_folder() / "data" / "postmaster.pid";
  std::string lines = text_of_file(pid_file).value();
  lines.replace(0, lines.find('\n'), std::to_string(unrelated.pid()));
  std::ofstream(pid_file) << lines;

  const auto down = home.lab({"status"});
  EXPECT_EQ(down.status, 1);
  EXPECT_THAT(down.out, HasSubstr("run scripts/lab up"));
  EXPECT_THAT(home.lab({"doctor"}).out, HasSubstr("postmaster.pid was left by a PostgreSQL"));
  const auto up = home.lab({"up"});
  ASSERT_EQ(up.status, 0) << up.err;
  EXPECT_FALSE(unrelated.wait_for(0ms));
  EXPECT_FALSE(shell.wait_for(0ms));
  const json report = home.status();
  EXPECT_EQ(report["strategy"], "adaptive");
  EXPECT_THAT(report["host_url"].get<std::string>(), HasSubstr(std::to_string(home.port())));
  EXPECT_TRUE(report["problems"].empty()) << report["problems"].dump();
  EXPECT_EQ(home.lab({"psql", "--", "psql", "-Atc", "SELECT count(*) FROM jobs"}).out, "10001\n");
  unrelated.send(SIGKILL);
  shell.send(SIGKILL);
}

TEST(SetUp, AnInterruptedFirstStartIsDoneAgain) {
  const TestHome home;
  db::Launch how{
      .argv = {home.places().program("lab"), "up", "--port", std::to_string(home.port())},
      .environment = home.places().environment()};
  how.out = how.err = db::Output::discarded();
  db::Child first(how);
  const auto half_made = [&home] {
    std::error_code not_yet;
    for (const auto &entry : fs::directory_iterator(home.places().postgres_folder(), not_yet))
      if (fs::exists(entry.path() / "PG_VERSION", not_yet) && entry.path().filename() != "data")
        return true;
    return false;
  };
  ASSERT_TRUE(eventually(half_made));
  first.send(SIGKILL);
  ASSERT_TRUE(first.wait_for(5s));
  const auto up = home.up();
  EXPECT_EQ(up.status, 0) << up.err;
  EXPECT_FALSE(half_made());
}

TEST(SetUp, AHostThatCannotBeRecordedIsNotLeftRunning) {
  const TestHome home;
  const fs::path in_the_way = home.places().host_record().string() + ".new";
  fs::create_directories(in_the_way / "something");
  const auto said = home.up();
  EXPECT_EQ(said.status, 64);
  EXPECT_TRUE(is_one_line(said.err)) << said.err;
  EXPECT_THAT(said.err, HasSubstr("host.json can't be written"));
  fs::remove_all(in_the_way);
  const auto up = home.up();
  EXPECT_EQ(up.status, 0) << up.err;
  int hosts = 0;
  for (const LabProcess &one : lab_processes(home.places()))
    hosts += one.program == "lab_host";
  EXPECT_EQ(hosts, 1);
}

TEST(SetUp, LongLogsAreBegunAnew) {
  const TestHome home;
  ASSERT_EQ(home.up().status, 0);
  ASSERT_EQ(home.lab({"down"}).status, 0);
  const std::vector<fs::path> logs = {home.places().host_log(), home.places().agent_log(),
                                      home.places().postgres_folder() / "log"};
  for (const fs::path &log : logs)
    fs::resize_file(log, 5'000'001);
  ASSERT_EQ(home.up().status, 0);
  for (const fs::path &log : logs) {
    EXPECT_LT(fs::file_size(log), 1'000'000U) << log;
    EXPECT_EQ(fs::file_size(log.string() + ".1"), 5'000'001U) << log;
  }
}

// A PostgreSQL of somebody's own, on its port, that writes down every connection.
class OwnPostgres {
public:
  OwnPostgres() {
    const auto user = db::lab_user(); // any but root
    fs::create_directory(folder_.path() / "pg");
    if (is_root() && ::chown((folder_.path() / "pg").c_str(), user.uid, user.gid) != 0)
      throw std::runtime_error("no folder for the other PostgreSQL");
    port_ = port_is_free(5432) ? 5432 : free_port_after(31'000);
    run(user, {"initdb", "-D", "data", "-U", "owner", "--auth=trust", "--no-sync"});
    run(user, {"pg_ctl", "start", "-D", "data", "-l", "log", "-w", "-o",
               fmt::format("-p {} -c listen_addresses=127.0.0.1 -c log_connections=on "
                           "-c unix_socket_directories={}",
                           port_, (folder_.path() / "pg").string())});
  }
  ~OwnPostgres() {
    (void)db::run({.argv = {db::PrivatePostgres::programs() / "pg_ctl", "stop", "-D", "data", "-m",
                            "immediate"},
                   .user = db::lab_user(),
                   .directory = folder_.path() / "pg"},
                  20s);
  }
  OwnPostgres(const OwnPostgres &) = delete;
  OwnPostgres &operator=(const OwnPostgres &) = delete;

  // All that it has noticed: its processes and its log.
  std::string noticed() const {
    return db::text_of_file(folder_.path() / "pg" / "data" / "postmaster.pid") +
           db::text_of_file(folder_.path() / "pg" / "log");
  }
  unsigned short port() const { return port_; }
  std::string folder() const { return folder_.path() / "pg"; }

private:
  void run(const db::LabUser &user, std::vector<std::string> argv) const {
    argv[0] = db::PrivatePostgres::programs() / argv[0];
    const auto said = db::run({.argv = argv,
                               .user = user,
                               .directory = folder_.path() / "pg",
                               .own_session = true,
                               .out = db::Output::discarded(),
                               .err = db::Output::discarded()},
                              60s);
    if (!said.well())
      throw std::runtime_error(argv[0] + " failed");
  }

  TestFolder folder_;
  unsigned short port_ = 0;
};

TEST(SetUp, APostgresOfOnesOwnNoticesNothing) {
  const OwnPostgres own;
  const std::string before = own.noticed();
  const TestHome home;
  const std::string nowhere = "http://127.0.0.1:1";
  const Ways towards{
      .environment = {
          {"PGHOST", own.folder()},
          {"PGPORT", std::to_string(own.port())},
          {"PGUSER", "owner"},
          {"PGDATABASE", "postgres"},
          {"DATABASE_URL", fmt::format("postgresql://owner@127.0.0.1:{}/postgres", own.port())},
          {"http_proxy", nowhere}, // and a proxy that is none
          {"https_proxy", nowhere},
          {"all_proxy", nowhere},
          {"HTTP_PROXY", nowhere}}};
  const auto up = home.lab({"up", "--port", std::to_string(home.port())}, towards);
  ASSERT_EQ(up.status, 0) << up.err;
  ASSERT_EQ(home.lab({"use", "bounded_timeout"}, towards).status, 0);
  EXPECT_THAT(home.lab({"load", "hold", "--seconds", "1", "--warm-up", "0"}, towards).status,
              testing::AnyOf(0, 2)); // invalid, when others need the processor
  EXPECT_EQ(home.lab({"psql", "--", "psql", "-Atc", "SELECT current_database()"}, towards).out,
            "lab\n");
  EXPECT_THAT(home.lab({"doctor"}, towards).out, HasSubstr("left alone"));
  EXPECT_EQ(home.lab({"reset"}, towards).status, 0);
  EXPECT_EQ(home.lab({"down"}, towards).status, 0);
  EXPECT_EQ(own.noticed(), before);
}

} // namespace
} // namespace lab::cli
