#include "loadtest/lab/process.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <sstream>
#include <system_error>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fmt/format.h>

#include "loadtest/lab/files.hpp"

namespace lab::cli {
namespace {

using std::chrono::milliseconds;

// Where there are no process descriptors, the end has to be looked for.
constexpr milliseconds look_again{20};

std::string link_of(pid_t pid) {
  std::error_code unseen;
  return std::filesystem::read_symlink(fmt::format("/proc/{}/exe", pid), unseen).string();
}

} // namespace

std::optional<ProcessId> process(pid_t pid) {
  const auto stat = text_of_file(fmt::format("/proc/{}/stat", pid));
  if (pid <= 0 || !stat)
    return std::nullopt;
  // The second field is a name in brackets that may hold anything.
  const auto name_end = stat->rfind(')');
  if (name_end == std::string::npos)
    return std::nullopt;
  std::istringstream fields(stat->substr(name_end + 1));
  std::string field, state;
  fields >> state;
  for (int number = 4; number < 22; ++number)
    fields >> field;
  ProcessId id{pid, 0};
  if (!(fields >> id.started) || state == "Z" || state == "X")
    return std::nullopt;
  return id;
}

bool alive(const ProcessId &id) {
  return process(id.pid) == id;
}

std::string program_of(pid_t pid) {
  std::string link = link_of(pid);
  if (const auto gone = link.rfind(" (deleted)"); gone != std::string::npos)
    link.erase(gone);
  return std::filesystem::path(link).filename().string();
}

std::optional<pid_t> parent_of(pid_t pid) {
  const auto stat = text_of_file(fmt::format("/proc/{}/stat", pid));
  const auto name_end = stat ? stat->rfind(')') : std::string::npos;
  if (name_end == std::string::npos)
    return std::nullopt;
  std::istringstream fields(stat->substr(name_end + 1));
  std::string state;
  pid_t parent = 0;
  return fields >> state >> parent ? std::optional(parent) : std::nullopt;
}

bool program_was_replaced(pid_t pid) {
  return link_of(pid).ends_with(" (deleted)");
}

EndWatch::EndWatch(const ProcessId &id)
    : id_(id), fd_(static_cast<int>(::syscall(SYS_pidfd_open, id.pid, 0))) {
  if (fd_ >= 0 && !alive(id)) { // its number may have gone to another
    ::close(fd_);
    fd_ = -1;
  }
}

EndWatch::~EndWatch() {
  if (fd_ >= 0)
    ::close(fd_);
}

bool EndWatch::ended() const {
  return !alive(id_);
}

bool EndWatch::wait_for(milliseconds limit) const {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!ended()) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left <= milliseconds(0))
      return false;
    const auto pause = fd_ >= 0 ? left : std::min(left, look_again);
    pollfd watched{fd_, POLLIN, 0};
    ::poll(&watched, fd_ >= 0 ? 1 : 0, static_cast<int>(pause.count()));
  }
  return true;
}

bool end_process(const ProcessId &id, milliseconds grace) {
  const EndWatch watch(id);
  if (watch.ended())
    return true;
  ::kill(id.pid, SIGTERM);
  ::kill(id.pid, SIGCONT); // a frozen one would hear nothing
  if (watch.wait_for(grace))
    return true;
  ::kill(id.pid, SIGKILL);
  return watch.wait_for(milliseconds(5000));
}

} // namespace lab::cli
