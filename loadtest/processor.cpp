#include "loadtest/processor.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <optional>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

namespace lab::load {
namespace {

struct ProcessStat {
  std::string name;
  pid_t parent = 0;
  double own = 0;   // seconds of the process itself
  double ended = 0; // and of its children that ended
};

double seconds_of(unsigned long long ticks) {
  static const double per_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  return static_cast<double>(ticks) / per_second;
}

// One read into a buffer on the stack: a machine may have thousands of them.
std::optional<ProcessStat> stat_of(pid_t pid) {
  char path[32];
  std::snprintf(path, sizeof path, "/proc/%d/stat", static_cast<int>(pid));
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return std::nullopt; // it ended meanwhile
  char text[1024];
  const ssize_t size = ::read(file, text, sizeof text - 1);
  close(file);
  if (size <= 0)
    return std::nullopt;
  text[size] = '\0';

  // The name stands in brackets and may hold anything, brackets too.
  char *open_bracket = std::strchr(text, '(');
  char *close_bracket = std::strrchr(text, ')');
  if (open_bracket == nullptr || close_bracket == nullptr || close_bracket < open_bracket)
    return std::nullopt;
  ProcessStat stat;
  stat.name.assign(open_bracket + 1, close_bracket);
  unsigned long long user = 0;
  unsigned long long system = 0;
  long long ended_user = 0;
  long long ended_system = 0;
  int parent = 0;
  if (std::sscanf(close_bracket + 1,
                  " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %lld %lld", &parent, &user,
                  &system, &ended_user, &ended_system) != 5)
    return std::nullopt;
  stat.parent = parent;
  stat.own = seconds_of(user + system);
  stat.ended = seconds_of(static_cast<unsigned long long>(ended_user + ended_system));
  return stat;
}

double machine_busy() {
  const std::unique_ptr<std::FILE, int (*)(std::FILE *)> file(std::fopen("/proc/stat", "re"),
                                                              &std::fclose);
  unsigned long long user = 0;
  unsigned long long nice = 0;
  unsigned long long system = 0;
  unsigned long long irq = 0;
  unsigned long long soft = 0;
  if (!file || std::fscanf(file.get(), "cpu %llu %llu %llu %*u %*u %llu %llu", &user, &nice,
                           &system, &irq, &soft) != 5)
    return 0;
  return seconds_of(user + nice + system + irq + soft);
}

double own_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

} // namespace

ProcessorWatch::ProcessorWatch(pid_t postgres_pid, std::vector<pid_t> host_pids)
    : postgres_pid_(postgres_pid), host_pids_(std::move(host_pids)) {}

ProcessorReading ProcessorWatch::read() const {
  constexpr pid_t kernel_threads = 2; // the parent of all kernel threads
  ProcessorReading reading;
  reading.at = std::chrono::steady_clock::now();
  reading.machine = machine_busy();
  reading.generator = own_seconds();
  const pid_t self = getpid();

  const std::unique_ptr<DIR, int (*)(DIR *)> proc(opendir("/proc"), &closedir);
  if (!proc)
    return reading;
  while (const dirent *entry = readdir(proc.get())) {
    const auto pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
    if (pid <= 0)
      continue;
    const std::optional<ProcessStat> stat = stat_of(pid);
    if (!stat)
      continue;
    if (pid == postgres_pid_)
      reading.postgres += stat->own + stat->ended;
    else if (postgres_pid_ != 0 && stat->parent == postgres_pid_)
      reading.postgres += stat->own;
    else if (std::find(host_pids_.begin(), host_pids_.end(), pid) != host_pids_.end())
      reading.host += stat->own;
    else if (pid != self && pid != kernel_threads && stat->parent != kernel_threads)
      reading.others[pid] = {stat->name, stat->own};
  }
  return reading;
}

ProcessorUse ProcessorWatch::between(const ProcessorReading &before, const ProcessorReading &after,
                                     std::chrono::steady_clock::time_point start) {
  using std::chrono::nanoseconds;
  ProcessorUse use;
  use.from = nanoseconds(before.at - start).count();
  use.to = nanoseconds(after.at - start).count();
  const double seconds = static_cast<double>(use.to - use.from) / 1e9;
  if (seconds <= 0)
    return use;
  const auto cores = [&](double from, double to) { return std::max(0.0, to - from) / seconds; };
  use.postgres = cores(before.postgres, after.postgres);
  use.host = cores(before.host, after.host);
  use.generator = cores(before.generator, after.generator);
  // The whole machine less ours: that sees, too, what runs outside a container.
  use.others =
      std::max(0.0, cores(before.machine, after.machine) - use.postgres - use.host - use.generator);
  for (const auto &[pid, other] : after.others) {
    const auto earlier = before.others.find(pid);
    const double used =
        cores(earlier == before.others.end() ? 0 : earlier->second.seconds, other.seconds);
    if (used > use.top_other_cores) {
      use.top_other_cores = used;
      use.top_other = other.name;
    }
  }
  return use;
}

} // namespace lab::load
