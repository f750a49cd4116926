#include "loadtest/lab/monitoring/exporter.hpp"

#include <array>
#include <chrono>
#include <cstring>
#include <string_view>
#include <utility>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <libpq-fe.h>

#include "db/connection.hpp"
#include "db/conninfo.hpp"
#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/monitoring/ask.hpp"

namespace lab::cli {
namespace {

using namespace std::chrono_literals;

constexpr int password_descriptor = 3;

// What the exporter's driver, lib/pq, understands of libpq's variables. It refuses others.
constexpr std::array<std::pair<const char *, const char *>, 10> understood = {{
    {"host", "PGHOST"},
    {"port", "PGPORT"},
    {"dbname", "PGDATABASE"},
    {"user", "PGUSER"},
    {"passfile", "PGPASSFILE"},
    {"application_name", "PGAPPNAME"},
    {"options", "PGOPTIONS"},
    {"sslcert", "PGSSLCERT"},
    {"sslkey", "PGSSLKEY"},
    {"sslrootcert", "PGSSLROOTCERT"},
}};

// The driver knows no "prefer", libpq's default: so what libpq comes to is stated.
std::string ssl_mode(const db::ConninfoParts &parts, const std::string &conninfo) {
  const auto stated = parts.find("sslmode");
  if (stated != parts.end() && stated->second != "prefer" && stated->second != "allow")
    return stated->second;
  try {
    const auto connection = db::connect(conninfo, 2s);
    return PQsslInUse(connection->handle()) != 0 ? "require" : "disable";
  } catch (const std::exception &) {
    return "require"; // it can't be entered now, which the status tells
  }
}

// A line of a passfile for every server, in memory alone; the driver reads it anew for each
// connect, and wants it to be readable by nobody else.
int passfile_in_memory(std::string_view password, const db::LabUser &user) {
  std::string line = "*:*:*:*:";
  for (const char c : password) {
    if (c == ':' || c == '\\')
      line += '\\';
    line += c;
  }
  line += '\n';
  const int fd = ::memfd_create("pool_lab passfile", MFD_CLOEXEC);
  if (fd < 0 || ::fchmod(fd, 0600) != 0 ||
      (user.uid != ::geteuid() && ::fchown(fd, user.uid, user.gid) != 0) ||
      ::write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    const std::string why = std::strerror(errno);
    if (fd >= 0)
      ::close(fd);
    throw SetUpFailed(
        fmt::format("the database's password can't be handed to the exporter: {}", why));
  }
  return fd;
}

} // namespace

Exporter::Exporter(const std::string &program, unsigned short port, const db::LabDatabase &database,
                   const db::LabUser &user)
    : daemon_{.name = exporter_name,
              .title = "the PostgreSQL exporter",
              .port = port,
              .ready = "/metrics",
              // Two collectors and the settings would open a second connection, and give
              // hundreds of series a second that nobody looks at.
              .argv = {program, fmt::format("--web.listen-address=127.0.0.1:{}", port),
                       "--no-collector.database", "--no-collector.bgwriter",
                       "--disable-settings-metrics", "--log.level=error"}} {
  const std::string conninfo = database.conninfo_admin("pool_lab exporter");
  db::ConninfoParts parts = db::parts_of(conninfo).value_or(db::ConninfoParts{});
  if (!parts.contains("host") && parts.contains("hostaddr"))
    parts["host"] = parts["hostaddr"];
  for (const auto &[keyword, variable] : understood)
    if (const auto part = parts.find(keyword); part != parts.end())
      daemon_.environment[variable] = part->second;
  // Where it leads stands in the variables: the exporter takes a name apart at each space.
  daemon_.environment["DATA_SOURCE_NAME"] = fmt::format(
      "sslmode={}", parts["host"].starts_with('/') ? "disable" : ssl_mode(parts, conninfo));
  if (const std::string password = database.password(); !password.empty()) {
    password_ = passfile_in_memory(password, user);
    daemon_.environment["PGPASSFILE"] = fmt::format("/proc/self/fd/{}", password_descriptor);
    daemon_.pass.emplace_back(password_, password_descriptor);
  }
}

Exporter::~Exporter() {
  if (password_ >= 0)
    ::close(password_);
}

std::string exporter_problem(const Places &places, unsigned short port) {
  const auto page = page_of(port, "/metrics", 5s);
  if (!page)
    return "the PostgreSQL exporter does not answer: run scripts/lab up";
  if (page->find("\npg_up 1\n") != std::string::npos)
    return "";
  return fmt::format("the PostgreSQL exporter can't enter the database: see {}",
                     daemon_log(places, exporter_name).string());
}

} // namespace lab::cli
