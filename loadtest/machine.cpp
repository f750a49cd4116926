#include "loadtest/machine.hpp"

#include "db/connection.hpp"

#include <chrono>
#include <fstream>
#include <thread>

#include <sys/utsname.h>
#include <unistd.h>

#include <pqxx/pqxx>

namespace lab::load {
namespace {

// The value after `key`, up to the line's end, without quotes around it.
std::string value_in(const char *path, const std::string &key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(key, 0) != 0)
      continue;
    const std::size_t begin = line.find_first_not_of(" \t:=\"", key.size());
    if (begin == std::string::npos)
      return "";
    const std::size_t end = line.find_last_not_of(" \"");
    return line.substr(begin, end - begin + 1);
  }
  return "";
}

} // namespace

nlohmann::json machine_facts() {
  utsname kernel{};
  uname(&kernel);
  const auto pages = static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES));
  const auto page = static_cast<std::int64_t>(sysconf(_SC_PAGESIZE));
  return {{"cores", std::max(1U, std::thread::hardware_concurrency())},
          {"processor", value_in("/proc/cpuinfo", "model name")},
          {"memory_mb", pages * page / 1'000'000},
          {"kernel", kernel.release},
          {"system", value_in("/etc/os-release", "PRETTY_NAME")},
          {"compiler", __VERSION__}};
}

nlohmann::json postgres_facts(const std::string &conninfo) {
  try {
    const auto connection = db::connect(conninfo, std::chrono::seconds(1));
    pqxx::nontransaction work(connection->raw());
    nlohmann::json settings = nlohmann::json::object();
    for (const pqxx::row &row :
         work.exec("SELECT name, setting || coalesce(unit, '') FROM pg_settings WHERE name IN "
                   "('max_connections', 'superuser_reserved_connections', 'shared_buffers', "
                   "'fsync', 'synchronous_commit', 'deadlock_timeout', 'max_wal_size', "
                   "'autovacuum') ORDER BY name"))
      settings[row[0].as<std::string>()] = row[1].as<std::string>();
    const std::string version = work.exec1("SHOW server_version")[0].as<std::string>();
    return {{"version", version}, {"settings", settings}};
  } catch (const std::exception &error) {
    const std::string what = error.what();
    return {{"problem", what.substr(0, what.find('\n'))}};
  }
}

} // namespace lab::load
