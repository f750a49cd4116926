#include "loadtest/lab/checks.hpp"

#include <algorithm>
#include <exception>
#include <fstream>
#include <optional>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/format.h>

#include "db/open_files.hpp"
#include "db/process_limits.hpp"
#include "loadtest/machine.hpp"

namespace lab::cli {
namespace {

using Result = Check::Result;

// 500 users and 500 connections have a thread or a process each, somewhere.
constexpr std::uint64_t processes_needed = 1500;

Check system_check() {
  std::string id, version;
  std::ifstream release("/etc/os-release");
  for (std::string line; std::getline(release, line);) {
    if (line == "ID=debian")
      id = "debian";
    if (line == "VERSION_ID=\"12\"")
      version = "12";
  }
  const std::string name = load::machine_facts().value("system", "an unknown system");
  if (id == "debian" && version == "12")
    return {"system", Result::ok, name};
  return {"system", Result::warn, name + ", not Debian 12, on which the lab is tried",
          "install the counterparts of its packages yourself"};
}

Check processors_check() {
  const double usable = db::usable_processors();
  const std::string said = fmt::format("{:.3g} to be used", usable);
  if (usable >= 2)
    return {"processors", Result::ok, said};
  if (usable >= 0.75)
    return {"processors", Result::warn,
            said + ": generator, host and PostgreSQL share it, so rates are lower and some runs "
                   "may end as invalid",
            "give it 2 processors"};
  return {"processors", Result::warn,
          said + ": loads will often not keep their schedule, and such runs end as invalid",
          "give it 2 processors, or use lower rates (scripts/lab load hold --rate 30)"};
}

Check memory_check() {
  const auto usable = db::usable_memory();
  if (!usable)
    return {"memory", Result::ok, "can't be told"};
  const auto mb = *usable / 1'000'000;
  const std::string said = fmt::format("{} MB free", mb);
  if (mb >= 1000)
    return {"memory", Result::ok, said};
  if (mb >= 300)
    return {"memory", Result::warn, said + ": a pool of 500 may not fit", "close other programs"};
  return {"memory", Result::bad, said + ": too little for PostgreSQL with 100 connections",
          "close other programs, or give the machine 1 GB more"};
}

Check open_files_check() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return {"open files", Result::ok, "no limit to be seen"};
  if (limit.rlim_max >= db::open_files_needed)
    return {"open files", Result::ok, fmt::format("at most {}", limit.rlim_max)};
  return {
      "open files", Result::bad,
      fmt::format("at most {}, but a wide load opens {}", limit.rlim_max, db::open_files_needed),
      "raise the hard limit (ulimit -Hn, /etc/security/limits.conf)"};
}

Check processes_check() {
  rlimit limit{};
  std::uint64_t most = UINT64_MAX;
  if (::geteuid() != 0 && ::getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_max != RLIM_INFINITY)
    most = limit.rlim_max;
  most = std::min(most, db::process_limit_of_group().value_or(UINT64_MAX));
  if (most == UINT64_MAX)
    return {"processes", Result::ok, "no limit"};
  const std::string said = fmt::format("at most {}", most);
  if (most >= processes_needed)
    return {"processes", Result::ok, said};
  return {"processes", Result::warn,
          fmt::format("{}, threads included; a wide load needs up to {}", said, processes_needed),
          "raise the limit (ulimit -Hu, or the container's pids limit)"};
}

Check programs_check() {
  try {
    return {"PostgreSQL 15", Result::ok, db::PrivatePostgres::programs().string()};
  } catch (const std::exception &e) {
    return {"PostgreSQL 15", Result::bad, e.what(), "run scripts/lab"};
  }
}

// A connection to ourselves over 127.0.0.1, as page and loads make it.
Check loopback_check() {
  const int listening = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int calling = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto *where = reinterpret_cast<sockaddr *>(&address);
  socklen_t size = sizeof address;
  const bool works = ::bind(listening, where, size) == 0 && ::listen(listening, 1) == 0 &&
                     ::getsockname(listening, where, &size) == 0 &&
                     ::connect(calling, where, size) == 0;
  ::close(calling);
  ::close(listening);
  if (works)
    return {"loopback", Result::ok, "127.0.0.1 answers"};
  return {"loopback", Result::bad, "127.0.0.1 can't be reached",
          "bring the loopback device up (ip link set lo up)"};
}

} // namespace

std::vector<Check> machine_checks() {
  return {system_check(),    processors_check(), memory_check(),  open_files_check(),
          processes_check(), programs_check(),   loopback_check()};
}

} // namespace lab::cli
