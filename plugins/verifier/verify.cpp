// The parent's side of a trial: spawn, listen, kill, reap, and put what happened
// into one line.
//
// posix_spawn and never fork: a child forked from a host with threads may hang
// in dlopen on a lock that a thread held. The verdict comes on a pipe of its own
// with a nonce; an exit status proves nothing, because a library can exit(0).

#include "plugins/verifier/verify.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "plugins/loader/shown_text.hpp"
#include "plugins/verifier/channel.hpp"
#include "plugins/verifier/step_page.hpp"

namespace lab::plugin {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// In the child.
constexpr int channel_fd = 3;
constexpr int step_fd = 4;

std::string reason(int error) {
  return std::generic_category().message(error);
}

class SetUpFailed : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::string fresh_nonce() {
  std::array<unsigned char, 16> bytes;
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw SetUpFailed("no random bytes: " + reason(errno));
  std::string text;
  for (const unsigned char b : bytes)
    text += fmt::format("{:02x}", b);
  return text;
}

// Lines of the child that carry the nonce. All else is dropped.
class Heard {
public:
  explicit Heard(std::string nonce) : start_(std::move(nonce) + ' ') {}

  void add(std::string_view bytes) {
    pending_.append(bytes);
    std::size_t from = 0;
    for (std::size_t end; (end = pending_.find('\n', from)) != std::string::npos; from = end + 1)
      line(std::string_view(pending_).substr(from, end - from));
    pending_.erase(0, from);
    if (pending_.size() > most_pending)
      pending_.clear();
  }

  std::string note; // last words
  std::optional<std::uintptr_t> place;
  std::optional<std::string> verdict; // JSON

private:
  static constexpr std::size_t most_pending = 1 << 20;

  void line(std::string_view text) {
    if (!take(text, start_))
      return;
    if (take(text, "note "))
      note = text;
    else if (take(text, "place "))
      place = static_cast<std::uintptr_t>(std::strtoull(std::string(text).c_str(), nullptr, 16));
    else if (take(text, "verdict "))
      verdict = std::string(text);
  }
  static bool take(std::string_view &text, std::string_view start) {
    if (text.substr(0, start.size()) != start)
      return false;
    text.remove_prefix(start.size());
    return true;
  }

  std::string start_;
  std::string pending_;
};

// The child, from spawn to reaped. Destroyed early, it takes the child with it.
class Child {
public:
  Child(const std::filesystem::path &verifier, const std::filesystem::path &library,
        const std::string &nonce, const StepPage &step, const VerifyOptions &options);
  ~Child() {
    kill_and_reap();
    ::close(channel_);
  }
  Child(const Child &) = delete;
  Child &operator=(const Child &) = delete;

  // Listens until it ends or `deadline` comes. False: it is still running.
  bool listen(Heard &heard, Clock::time_point deadline);
  // Ends it and all of its group. After it, status() says how it ended.
  void kill_and_reap();
  int status() const { return status_; }

private:
  bool drain(Heard &heard);
  bool ended() const;

  pid_t pid_ = -1;
  int channel_ = -1;
  int status_ = 0;
};

// The host's variables are none of the library's business, but for those that
// the linker and the sanitizers need.
std::vector<std::string> environment(const std::string &nonce, const VerifyOptions &options) {
  std::vector<std::string> all{fmt::format("{}={}", channel_variable, channel_fd),
                               fmt::format("{}={}", step_variable, step_fd),
                               fmt::format("{}={}", nonce_variable, nonce), "LC_ALL=C"};
  for (const char *name : {"LD_LIBRARY_PATH", "UBSAN_OPTIONS"})
    if (const char *value = std::getenv(name))
      all.push_back(fmt::format("{}={}", name, value));
  // A sanitizer that catches the fault itself would hide the signal.
  for (const char *name : {"ASAN_OPTIONS", "TSAN_OPTIONS"}) {
    const char *given = std::getenv(name);
    all.push_back(fmt::format("{}={}:handle_segv=0:handle_sigbus=0:handle_sigfpe=0:"
                              "handle_sigill=0:handle_abort=0:detect_leaks=0:abort_on_error=1",
                              name, given == nullptr ? "" : given));
  }
  if (!options.preload.empty()) {
    all.push_back("LD_PRELOAD=" + options.preload);
    all.push_back(fmt::format("{}=1", sanitized_variable));
  }
  if (options.run_as)
    all.push_back(
        fmt::format("{}={}:{}", run_as_variable, options.run_as->first, options.run_as->second));
  return all;
}

std::vector<char *> pointers(std::vector<std::string> &texts) {
  std::vector<char *> all;
  for (std::string &text : texts)
    all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

Child::Child(const std::filesystem::path &verifier, const std::filesystem::path &library,
             const std::string &nonce, const StepPage &step, const VerifyOptions &options) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    throw SetUpFailed("no pipe: " + reason(errno));
  channel_ = ends[0];
  ::fcntl(channel_, F_SETFL, O_NONBLOCK);

  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  // Each to a number that no other has meanwhile.
  const int page = ::fcntl(step.descriptor(), F_DUPFD_CLOEXEC, 2 * step_fd);
  const int end = ::fcntl(ends[1], F_DUPFD_CLOEXEC, 2 * step_fd);
  ::posix_spawn_file_actions_adddup2(&files, end, channel_fd);
  ::posix_spawn_file_actions_adddup2(&files, page, step_fd);
  ::posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addclosefrom_np(&files, step_fd + 1);

  // A governor may have signals blocked or handled; the child starts clean.
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);

  std::vector<std::string> words{verifier.string(), "--", library.string()};
  std::vector<std::string> variables = environment(nonce, options);
  const int error = ::posix_spawn(&pid_, verifier.c_str(), &files, &attributes,
                                  pointers(words).data(), pointers(variables).data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&files);
  for (const int fd : {ends[1], page, end})
    ::close(fd);
  if (error != 0) {
    pid_ = -1;
    ::close(channel_);
    throw SetUpFailed(
        fmt::format("the verifier {} can't be started: {}; build the target lab_verify",
                    shown_text(verifier.string()), reason(error)));
  }
}

// Reads what is there. False once nobody can write any more.
bool Child::drain(Heard &heard) {
  std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t got = ::read(channel_, buffer.data(), buffer.size());
    if (got > 0)
      heard.add({buffer.data(), static_cast<std::size_t>(got)});
    else if (got == 0)
      return false;
    else if (errno != EINTR)
      return true;
  }
}

bool Child::ended() const {
  siginfo_t info{};
  const int result = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
  return result != 0 || info.si_pid == pid_;
}

bool Child::listen(Heard &heard, Clock::time_point deadline) {
  bool writable =
      true; // by somebody; a library may have closed the channel, or given it to a child
  for (;;) {
    if (ended()) {
      (void)drain(heard);
      return true;
    }
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left.count() <= 0)
      return false;
    pollfd wait{channel_, POLLIN, 0};
    // A closed channel is always ready: then time alone paces the loop.
    const auto nap = std::min(left, writable ? milliseconds(20) : milliseconds(1));
    ::poll(&wait, writable ? 1 : 0, static_cast<int>(nap.count()));
    if (writable)
      writable = drain(heard);
    if (heard.verdict)
      return true;
  }
}

void Child::kill_and_reap() {
  if (pid_ < 0)
    return;
  // Killed before it is reaped: till then nobody else can have its number.
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR)
    continue;
  pid_ = -1;
}

std::string signal_name(int signal) {
  const char *name = ::sigabbrev_np(signal);
  return name == nullptr ? fmt::format("signal {}", signal) : fmt::format("SIG{}", name);
}

Verdict refused(const char *check, const std::string &what) {
  Verdict verdict;
  verdict.check = check;
  verdict.what = what;
  return verdict;
}

Verdict hung(const std::string &where, const std::string &how) {
  return refused("hang",
                 fmt::format("{}: {}; look for an endless loop or a wait there", where, how));
}

// It ended without a verdict: the last step that began is where it died.
Verdict died(int status, const std::string &where, const Heard &heard) {
  if (WIFEXITED(status))
    return refused("exit",
                   fmt::format("{}: it ended the process with exit status {}; a strategy must "
                               "never exit, let it return an error",
                               where, WEXITSTATUS(status)));
  const int signal = WTERMSIG(status);
  if (signal == SIGXCPU)
    return hung(where, "its processor time ran out");
  if (signal == SIGSYS)
    return refused("process",
                   fmt::format("{}: {}: a strategy only computes a plan", where,
                               heard.note.empty() ? "it did what no strategy may do" : heard.note));
  std::string hint = heard.note;
  if (hint.empty())
    switch (signal) {
    case SIGSEGV:
    case SIGBUS:
      hint = "memory that is not its own was used; check pointers and indexes";
      break;
    case SIGFPE:
      hint = "a division by zero of whole numbers; check divisors";
      break;
    case SIGILL:
    case SIGTRAP:
      hint = "a path that the compiler takes for impossible; check for a missing return";
      break;
    case SIGABRT:
      hint = "abort() was called: an assertion, or damage to memory, which lab verify --sanitize "
             "would show";
      break;
    case SIGXFSZ:
      hint = "it wrote more than 1 MB to a file; a strategy writes none";
      break;
    default:
      hint = "it was killed";
    }
  return refused("crash",
                 fmt::format("{}: it crashed with {}: {}", where, signal_name(signal), hint));
}

Verdict parsed(const std::string &text) {
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    Verdict verdict;
    verdict.ok = json.at("ok").get<bool>();
    if (!verdict.ok) {
      verdict.check = json.at("check").get<std::string>();
      verdict.what = shown_text(json.at("what").get<std::string>(), 1000);
      return verdict;
    }
    verdict.summary = json.at("summary").get<std::string>();
    verdict.warnings = json.at("warnings").get<std::vector<std::string>>();
    verdict.members = json.value("members", std::vector<std::string>());
    for (const nlohmann::json &p : json.at("params"))
      verdict.params.push_back({p.at("name").get<std::string>(), p.at("help").get<std::string>(),
                                static_cast<Param::Type>(p.at("type").get<int>()),
                                p.at("default").get<double>(), p.at("min").get<double>(),
                                p.at("max").get<double>()});
    return verdict;
  } catch (const nlohmann::json::exception &) {
    return refused("verifier", "the verifier's answer can't be read: build lab_verify and the host "
                               "from the same sources");
  }
}

} // namespace

Verdict verify(const std::filesystem::path &verifier, const std::filesystem::path &library,
               const VerifyOptions &options) {
  const Clock::time_point start = Clock::now();
  Verdict verdict;
  try {
    const std::string nonce = fresh_nonce();
    Heard heard(nonce);
    const StepPage step;
    Child child(verifier, library, nonce, step, options);
    const bool ended = child.listen(heard, start + options.wall_limit);
    child.kill_and_reap();
    const std::string where = step.text();
    if (heard.verdict)
      verdict = parsed(*heard.verdict);
    else if (!ended)
      verdict =
          hung(where, fmt::format("it did not come back within {} ms", options.wall_limit.count()));
    else if (where.empty())
      verdict =
          refused("verifier", fmt::format("{} ended before it tried anything: is it lab_verify, "
                                          "and complete?",
                                          shown_text(verifier.string())));
    else
      verdict = died(child.status(), where, heard);
    if (!heard.verdict)
      verdict.place = heard.place;
  } catch (const std::runtime_error &failure) {
    verdict = refused("verifier", failure.what());
  }
  verdict.took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start);
  return verdict;
}

} // namespace lab::plugin
