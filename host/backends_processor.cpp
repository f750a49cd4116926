#include "host/backends_processor.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>

#include <unistd.h>

#include <fmt/format.h>

namespace lab::host {
namespace {

// User and system time, proc(5). Nothing: no such process, or it is no PostgreSQL.
std::optional<double> seconds_of(pid_t pid) {
  std::ifstream stat(fmt::format("/proc/{}/stat", pid));
  std::string text;
  std::getline(stat, text);
  const auto name_ends = text.rfind(") ");
  if (name_ends == std::string::npos || text.find("(postgres") == std::string::npos)
    return std::nullopt;
  unsigned long user = 0, system = 0;
  if (std::sscanf(text.c_str() + name_ends + 2,
                  "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
    return std::nullopt;
  static const double ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  return static_cast<double>(user + system) / ticks;
}

} // namespace

std::optional<double> BackendsProcessor::cores(const std::vector<pid_t> &backends, pool::Time now) {
  std::map<pid_t, double> seconds;
  double used = 0;
  bool seen = false;
  for (const pid_t pid : backends) {
    const auto of = seconds_of(pid);
    if (!of)
      continue;
    seconds.emplace(pid, *of);
    if (const auto before = seconds_.find(pid); before != seconds_.end()) {
      used += std::max(0.0, *of - before->second);
      seen = true;
    }
  }
  const double passed = std::chrono::duration<double>(now - at_).count();
  seconds_ = std::move(seconds);
  at_ = now;
  return seen && passed > 0 ? std::optional(used / passed) : std::nullopt;
}

} // namespace lab::host
