#include "db/child.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string_view>

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

extern char **environ;

namespace lab::db {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// A descriptor that is closed when it goes.
class Descriptor {
public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  Descriptor(Descriptor &&other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor &operator=(Descriptor &&other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

private:
  int fd_;
};

struct Pipe {
  Descriptor reading, writing;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    throw std::runtime_error(fmt::format("no pipe to a child: {}", std::strerror(errno)));
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

Descriptor open_or_throw(const std::filesystem::path &path, int flags) {
  Descriptor opened(::open(path.c_str(), flags | O_CLOEXEC, 0644));
  if (opened.get() < 0)
    throw std::runtime_error(
        fmt::format("{} can't be opened: {}", path.string(), std::strerror(errno)));
  return opened;
}

std::string program_at(const std::string &name) {
  if (name.find('/') != std::string::npos)
    return name;
  const char *path = std::getenv("PATH");
  std::string_view folders = path ? path : "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
  while (!folders.empty()) {
    const auto end = folders.find(':');
    const auto file = fmt::format("{}/{}", folders.substr(0, end), name);
    if (::access(file.c_str(), X_OK) == 0)
      return file;
    folders = end == std::string_view::npos ? std::string_view{} : folders.substr(end + 1);
  }
  throw std::runtime_error(fmt::format("{} is not installed (not found in PATH)", name));
}

std::vector<std::string> environment_of(const Launch &launch) {
  // Another's home can't be entered, and libpq looks for certificates there.
  const bool other_user = launch.user && launch.user->uid != ::geteuid();
  std::vector<std::string> entries;
  for (char **entry = environ; entry && *entry; ++entry) {
    const std::string_view text = *entry;
    const std::string name(text.substr(0, text.find('=')));
    if (!name.starts_with("PG") && name != "DATABASE_URL" && !launch.environment.contains(name) &&
        !(other_user && name == "HOME"))
      entries.emplace_back(text);
  }
  if (other_user && !launch.environment.contains("HOME"))
    entries.emplace_back("HOME=/nonexistent");
  for (const auto &[name, value] : launch.environment)
    entries.push_back(name + "=" + value);
  return entries;
}

std::vector<char *> pointers_to(std::vector<std::string> &texts) {
  std::vector<char *> pointers;
  for (auto &text : texts)
    pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// What the child was at when it failed: sent back, since it can't throw there.
enum class Step : int { session, priority, limits, user, directory, descriptors, program };

struct Report {
  Step step;
  int error;
};

const char *text_of(Step step) {
  switch (step) {
  case Step::session:
    return "no session of its own";
  case Step::priority:
    return "its niceness can't be set";
  case Step::limits:
    return "its limits can't be set";
  case Step::user:
    return "it can't change to its user";
  case Step::directory:
    return "it can't enter its directory";
  case Step::descriptors:
    return "its descriptors can't be set up";
  case Step::program:
    return "it can't be executed";
  }
  return "";
}

// All that the child needs, made before the fork: after it, in a program with
// threads, only system calls are safe (no memory may be asked for).
struct Prepared {
  std::string program;
  std::vector<char *> argv, environment;
  const Launch &launch;
  bool changes_user;
  std::filesystem::path directory;
  int in, out, err, report;
};

// Above any number that `pass` may name in the child.
constexpr int out_of_the_way = 100;

[[noreturn]] void become(const Prepared &p) {
  int report = p.report;
  const auto give_up = [&report](Step step) {
    const Report why{step, errno};
    (void)!::write(report, &why, sizeof why);
    ::_exit(127);
  };
  const Launch &launch = p.launch;
  if (launch.own_session && ::setsid() < 0)
    give_up(Step::session);
  if (launch.nice != 0) {
    const int current = ::getpriority(PRIO_PROCESS, 0);
    if (::setpriority(PRIO_PROCESS, 0, current + launch.nice) != 0)
      give_up(Step::priority);
  }
  for (const auto &[what, value] : launch.limits) {
    const rlimit limit{value, value};
    if (::setrlimit(static_cast<__rlimit_resource>(what), &limit) != 0)
      give_up(Step::limits);
  }
  if (p.changes_user) {
    // By system call: the C library's functions would first tell all threads of
    // the parent, of which there is a memory here but no more than that.
    const auto gid = launch.user->gid;
    const auto uid = launch.user->uid;
    if (::syscall(SYS_setgroups, 0, nullptr) != 0 || ::syscall(SYS_setresgid, gid, gid, gid) != 0 ||
        ::syscall(SYS_setresuid, uid, uid, uid) != 0)
      give_up(Step::user);
  }
  if (!p.directory.empty() && ::chdir(p.directory.c_str()) != 0)
    give_up(Step::directory);

  report = ::fcntl(report, F_DUPFD_CLOEXEC, out_of_the_way);
  int moved[16];
  std::size_t count = 0;
  const auto move = [&](int fd) {
    moved[count] = ::fcntl(fd, F_DUPFD_CLOEXEC, out_of_the_way);
    if (moved[count++] < 0)
      give_up(Step::descriptors);
  };
  move(p.in);
  move(p.out);
  move(p.err);
  for (const auto &[here, there] : launch.pass)
    move(here);
  if (::syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC) != 0) {
    const long most = ::sysconf(_SC_OPEN_MAX); // a kernel before 5.11
    for (int fd = 3; fd < most; ++fd)
      ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  for (int standard = 0; standard < 3; ++standard)
    if (::dup2(moved[standard], standard) < 0)
      give_up(Step::descriptors);
  for (std::size_t i = 0; i < launch.pass.size(); ++i)
    if (::dup2(moved[3 + i], launch.pass[i].second) < 0)
      give_up(Step::descriptors);

  for (int signal = 1; signal < NSIG; ++signal)
    ::signal(signal, SIG_DFL); // fails for KILL, STOP and the C library's own: as it should
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(p.program.c_str(), p.argv.data(), p.environment.data());
  give_up(Step::program);
  ::_exit(127);
}

} // namespace

std::string Ended::text() const {
  if (signal != 0)
    return fmt::format("was ended by signal {} ({})", signal, ::sigdescr_np(signal));
  return fmt::format("ended with status {}", status);
}

Child::Child(const Launch &launch) : leads_session_(launch.own_session) {
  if (launch.argv.empty())
    throw std::logic_error("a child without a program");
  if (launch.pass.size() > 13)
    throw std::logic_error("a child with too many descriptors");
  const bool changes_user = launch.user && launch.user->uid != ::geteuid();
  auto arguments = launch.argv;
  auto environment = environment_of(launch);
  Prepared prepared{.program = program_at(launch.argv.front()),
                    .argv = pointers_to(arguments),
                    .environment = pointers_to(environment),
                    .launch = launch,
                    .changes_user = changes_user,
                    .directory = launch.directory,
                    .in = STDIN_FILENO,
                    .out = STDOUT_FILENO,
                    .err = STDERR_FILENO,
                    .report = -1};
  // The clone may be a folder that only root may enter.
  if (changes_user && prepared.directory.empty())
    prepared.directory = "/";

  std::vector<Descriptor> ours;
  const auto keep = [&ours](Descriptor opened) {
    ours.push_back(std::move(opened));
    return ours.back().get();
  };
  Pipe captured;
  const auto end_of = [&](const Output &output, int inherited) {
    switch (output.to) {
    case Output::To::nowhere:
      return keep(open_or_throw("/dev/null", O_WRONLY));
    case Output::To::file:
      return keep(open_or_throw(output.path, O_WRONLY | O_APPEND | O_CREAT));
    case Output::To::pipe:
      if (captured.writing.get() < 0)
        captured = make_pipe();
      return captured.writing.get();
    case Output::To::inherit:
      break;
    }
    return inherited;
  };
  if (!launch.keep_input)
    prepared.in = keep(open_or_throw("/dev/null", O_RDONLY));
  prepared.out = end_of(launch.out, STDOUT_FILENO);
  prepared.err = end_of(launch.err, STDERR_FILENO);
  Pipe report = make_pipe();
  prepared.report = report.writing.get();

  // No handler of ours may run in the child before it is another program.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_ = ::fork();
  if (pid_ == 0)
    become(prepared);
  const int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  const std::string name = std::filesystem::path(prepared.program).filename();
  if (pid_ < 0)
    throw std::runtime_error(fmt::format("{} can't be started: {}", name, std::strerror(error)));

  report.writing = Descriptor();
  captured.writing = Descriptor();
  Report failure{};
  ssize_t got;
  do
    got = ::read(report.reading.get(), &failure, sizeof failure);
  while (got < 0 && errno == EINTR);
  if (got == static_cast<ssize_t>(sizeof failure)) {
    ::waitpid(pid_, nullptr, 0);
    throw std::runtime_error(fmt::format("{} can't be started: {} ({})", prepared.program,
                                         text_of(failure.step), std::strerror(failure.error)));
  }
  output_ = captured.reading.release();
  if (output_ >= 0)
    ::fcntl(output_, F_SETFL, O_NONBLOCK);
  alarm_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
}

Child::~Child() {
  for (const int fd : {output_, alarm_})
    if (fd >= 0)
      ::close(fd);
}

Child::Child(Child &&other) noexcept
    : pid_(std::exchange(other.pid_, -1)), leads_session_(other.leads_session_),
      output_(std::exchange(other.output_, -1)), alarm_(std::exchange(other.alarm_, -1)),
      captured_(std::move(other.captured_)), ended_(std::move(other.ended_)) {}

Child &Child::operator=(Child &&other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(leads_session_, other.leads_session_);
  std::swap(output_, other.output_);
  std::swap(alarm_, other.alarm_);
  std::swap(captured_, other.captured_);
  std::swap(ended_, other.ended_);
  return *this;
}

// One step of waiting: takes what output there is and notices the end.
void Child::collect(milliseconds limit) {
  pollfd watched[2];
  nfds_t count = 0;
  if (output_ >= 0)
    watched[count++] = {output_, POLLIN, 0};
  if (!ended_ && alarm_ >= 0)
    watched[count++] = {alarm_, POLLIN, 0};
  // Without a pidfd the end has to be looked for.
  const auto pause = !ended_ && alarm_ < 0 ? std::min(limit, milliseconds(5)) : limit;
  ::poll(watched, count, static_cast<int>(std::max<std::int64_t>(pause.count(), 0)));
  reap(); // before reading: what a child wrote before its end is then in the pipe
  while (output_ >= 0) {
    char text[4096];
    const ssize_t got = ::read(output_, text, sizeof text);
    if (got > 0) {
      captured_.append(text, static_cast<std::size_t>(got));
    } else if (got < 0 && errno == EINTR) {
      continue;
    } else {
      if (got == 0 || errno != EAGAIN)
        ::close(std::exchange(output_, -1));
      break;
    }
  }
}

void Child::reap() {
  if (ended_ || pid_ < 0)
    return;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_)
    return;
  if (WIFSIGNALED(status))
    ended_ = Ended{128 + WTERMSIG(status), WTERMSIG(status)};
  else
    ended_ = Ended{WEXITSTATUS(status), 0};
}

std::optional<Ended> Child::wait_for(milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  while (!ended_) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    collect(std::max(left, milliseconds(0)));
    if (left.count() <= 0)
      break;
  }
  return ended_;
}

std::optional<std::string> Child::line(milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  for (;;) {
    const auto end = captured_.find('\n');
    if (end != std::string::npos) {
      auto found = captured_.substr(0, end);
      captured_.erase(0, end + 1);
      return found;
    }
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (output_ < 0 || left.count() <= 0)
      return std::nullopt;
    collect(left);
  }
}

void Child::send(int signal) const {
  if (pid_ > 0 && !ended_)
    ::kill(leads_session_ ? -pid_ : pid_, signal);
}

Outcome run(Launch launch, milliseconds limit) {
  launch.out = Output::captured();
  launch.err = Output::captured();
  Child child(launch);
  Outcome outcome;
  auto ended = child.wait_for(limit);
  if (!ended) {
    outcome.timed_out = true;
    child.send(SIGKILL);
    ended = child.wait_for(std::chrono::seconds(10));
  }
  outcome.ended = ended.value_or(Ended{128 + SIGKILL, SIGKILL});
  outcome.output = child.output();
  return outcome;
}

} // namespace lab::db
