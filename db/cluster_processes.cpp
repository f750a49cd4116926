#include "db/cluster_processes.hpp"

#include <cctype>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

#include <unistd.h>

namespace lab::db {

namespace {

namespace fs = std::filesystem;

// Every PostgreSQL process has the data folder as its working directory. So may
// somebody's shell, which is none of ours.
bool works_in(pid_t pid, const fs::path &canonical_data) {
  const auto process = fs::path("/proc") / std::to_string(pid);
  std::error_code unreadable; // gone, a zombie, or another user's
  if (fs::read_symlink(process / "cwd", unreadable) != canonical_data || unreadable)
    return false;
  const std::string program = fs::read_symlink(process / "exe", unreadable).filename();
  return program == "postgres" || program == "postgres (deleted)"; // deleted: upgraded since
}

std::vector<pid_t> all_processes() {
  std::vector<pid_t> pids;
  std::error_code ignored;
  for (const auto &entry : fs::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename();
    if (std::isdigit(static_cast<unsigned char>(name.front())))
      pids.push_back(std::stoi(name));
  }
  return pids;
}

struct Times {
  pid_t parent = 0;
  double own = 0, of_ended_children = 0; // seconds
};

std::optional<Times> times_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (!std::getline(file, text))
    return std::nullopt;
  // The second field is the name in brackets, which may hold anything: skip past it.
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos)
    return std::nullopt;
  Times times;
  unsigned long user, system;
  long children_user, children_system;
  if (std::sscanf(text.c_str() + name_end + 1,
                  " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld", &times.parent,
                  &user, &system, &children_user, &children_system) != 5)
    return std::nullopt;
  const double tick = 1.0 / static_cast<double>(::sysconf(_SC_CLK_TCK));
  times.own = static_cast<double>(user + system) * tick;
  times.of_ended_children = static_cast<double>(children_user + children_system) * tick;
  return times;
}

} // namespace

std::optional<pid_t> postmaster_of(const fs::path &data) {
  std::ifstream file(data / "postmaster.pid");
  pid_t pid = 0;
  std::error_code absent;
  const auto canonical = fs::canonical(data, absent);
  if (!(file >> pid) || pid <= 0 || absent || !works_in(pid, canonical))
    return std::nullopt;
  return pid;
}

std::vector<pid_t> processes_in(const fs::path &data) {
  std::vector<pid_t> found;
  std::error_code absent;
  const auto canonical = fs::canonical(data, absent);
  if (absent)
    return found;
  for (const pid_t pid : all_processes())
    if (works_in(pid, canonical))
      found.push_back(pid);
  return found;
}

std::optional<double> cpu_seconds_of(pid_t postmaster) {
  const auto own = times_of(postmaster);
  if (!own)
    return std::nullopt;
  double seconds = own->own + own->of_ended_children;
  for (const pid_t pid : all_processes())
    if (const auto times = times_of(pid); times && times->parent == postmaster)
      seconds += times->own + times->of_ended_children;
  return seconds;
}

} // namespace lab::db
