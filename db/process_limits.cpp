#include "db/process_limits.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>

#include <sched.h>

#include <fmt/format.h>

namespace lab::db {
namespace {

namespace fs = std::filesystem;

std::optional<double> number_in(const fs::path &file) {
  std::ifstream in(file);
  double number = 0;
  return in >> number ? std::optional(number) : std::nullopt;
}

// Calls `look` with each folder that limits this process in a control group, from
// the process's own up to the root: version 2 in one tree, version 1 in a tree for
// each kind.
void for_each_group(const ControlGroups &groups, const std::string &kind,
                    const std::function<void(const fs::path &)> &look) {
  std::ifstream lines(groups.of_process);
  for (std::string line; std::getline(lines, line);) { // "0::/user.slice", "4:cpu,cpuacct:/"
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string::npos)
      continue;
    const std::string kinds = fmt::format(",{},", line.substr(first + 1, second - first - 1));
    fs::path tree = groups.tree;
    if (kinds.find(fmt::format(",{},", kind)) != std::string::npos)
      tree /= kind;
    else if (kinds != ",,")
      continue;
    for (fs::path group = line.substr(second + 1);; group = group.parent_path()) {
      look(tree / group.relative_path());
      if (group.empty() || group == group.root_path())
        break;
    }
  }
}

} // namespace

double usable_processors(const ControlGroups &groups) {
  cpu_set_t set;
  double most = ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  for_each_group(groups, "cpu", [&most](const fs::path &group) {
    std::ifstream file(group / "cpu.max"); // "50000 100000", "max 100000"
    std::string quota;
    double period = 0;
    if (file >> quota >> period && quota != "max" && period > 0)
      most = std::min(most, std::stod(quota) / period);
    const auto v1 = number_in(group / "cpu.cfs_quota_us");
    const auto v1_period = number_in(group / "cpu.cfs_period_us");
    if (v1 && v1_period && *v1 > 0 && *v1_period > 0)
      most = std::min(most, *v1 / *v1_period);
  });
  return most;
}

std::optional<std::uint64_t> usable_memory(const ControlGroups &groups) {
  std::optional<double> least;
  std::ifstream lines("/proc/meminfo");
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("MemAvailable:"))
      least = std::stod(line.substr(13)) * 1024;
  for_each_group(groups, "memory", [&least](const fs::path &group) {
    for (const auto &[limit, used] :
         {std::pair{"memory.max", "memory.current"},
          std::pair{"memory.limit_in_bytes", "memory.usage_in_bytes"}}) {
      const auto most = number_in(group / limit);
      const auto now = number_in(group / used);
      if (most && now && (!least || *most - *now < *least))
        least = std::max(0.0, *most - *now);
    }
  });
  return least ? std::optional(static_cast<std::uint64_t>(*least)) : std::nullopt;
}

std::optional<std::uint64_t> process_limit_of_group(const ControlGroups &groups) {
  std::optional<std::uint64_t> least;
  for_each_group(groups, "pids", [&least](const fs::path &group) {
    if (const auto most = number_in(group / "pids.max"))
      least = std::min(least.value_or(UINT64_MAX), static_cast<std::uint64_t>(*most));
  });
  return least;
}

} // namespace lab::db
