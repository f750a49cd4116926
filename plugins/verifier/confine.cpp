#include "plugins/verifier/confine.hpp"

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <vector>

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <grp.h>

namespace lab::plugin {
namespace {

#if defined(__x86_64__)
constexpr unsigned this_machine = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr unsigned this_machine = AUDIT_ARCH_AARCH64;
#else
#error "add this machine's AUDIT_ARCH"
#endif

constexpr unsigned nobody = 65534;

void limit(int resource, rlim_t soft, rlim_t hard) {
  const rlimit value{soft, hard};
  ::setrlimit(static_cast<__rlimit_resource_t>(resource), &value);
}

constexpr unsigned low_word(unsigned argument) { // of a little-endian machine
  return static_cast<unsigned>(offsetof(seccomp_data, args)) + 8 * argument;
}

constexpr sock_filter load(unsigned offset) {
  return {BPF_LD | BPF_W | BPF_ABS, 0, 0, offset};
}
constexpr sock_filter answer(unsigned what) {
  return {BPF_RET | BPF_K, 0, 0, what};
}
// Goes on after `skip` instructions when it is so; the next two, when it is not.
constexpr sock_filter if_equal(unsigned value, unsigned char skip) {
  return {BPF_JMP | BPF_JEQ | BPF_K, skip, 0, value};
}
constexpr sock_filter unless_equal(unsigned value, unsigned char skip) {
  return {BPF_JMP | BPF_JEQ | BPF_K, 0, skip, value};
}
constexpr sock_filter unless_any_bit(unsigned bits, unsigned char skip) {
  return {BPF_JMP | BPF_JSET | BPF_K, 0, skip, bits};
}

// The kernel asks this before each system call. Counting processes (RLIMIT_NPROC)
// would count those of the host, which is the same user's.
std::vector<sock_filter> rules(unsigned self) {
  // Another machine's numbers mean other calls: none of the rules holds for them.
  std::vector<sock_filter> all = {load(offsetof(seccomp_data, arch)), if_equal(this_machine, 1),
                                  answer(SECCOMP_RET_ALLOW), load(offsetof(seccomp_data, nr))};
  const auto forbid = [&](unsigned number) {
    all.push_back(unless_equal(number, 1));
    all.push_back(answer(SECCOMP_RET_TRAP));
  };
  // Only where the first argument is somebody else's process.
  const auto only_to_self = [&](unsigned number) {
    all.push_back(unless_equal(number, 4));
    all.push_back(load(low_word(0)));
    all.push_back(unless_equal(self, 1));
    all.push_back(answer(SECCOMP_RET_ALLOW));
    all.push_back(answer(SECCOMP_RET_TRAP));
  };
#ifdef SYS_fork
  forbid(SYS_fork);
  forbid(SYS_vfork);
#endif
  forbid(SYS_execve);
  forbid(SYS_execveat);
  forbid(SYS_ptrace);
  forbid(SYS_pidfd_send_signal);
  // Its flags lie in memory, where no filter looks. The C library takes clone then.
  all.push_back(unless_equal(SYS_clone3, 1));
  all.push_back(answer(SECCOMP_RET_ERRNO | ENOSYS));
  all.push_back(unless_equal(SYS_clone, 4));
  all.push_back(load(low_word(0)));
  all.push_back(unless_any_bit(CLONE_THREAD, 1));
  all.push_back(answer(SECCOMP_RET_ALLOW)); // a thread, which is told otherwise
  all.push_back(answer(SECCOMP_RET_TRAP));
  for (const unsigned number :
       {SYS_kill, SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo})
    only_to_self(number);
  all.push_back(answer(SECCOMP_RET_ALLOW));
  return all;
}

void forbid_other_processes() {
  std::vector<sock_filter> all = rules(static_cast<unsigned>(::getpid()));
  const sock_fprog program{static_cast<unsigned short>(all.size()), all.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
    (void)::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

bool nobody_may_read(const std::filesystem::path &file) {
  ::setfsgid(nobody);
  ::setfsuid(nobody);
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  ::setfsuid(0);
  ::setfsgid(0);
  if (fd >= 0)
    ::close(fd);
  return fd >= 0;
}

} // namespace

bool leave_root(const char *run_as, const std::filesystem::path &library) {
  if (::geteuid() != 0 || (run_as == nullptr && !nobody_may_read(library)))
    return true;
  unsigned uid = nobody, gid = nobody;
  if (run_as != nullptr && std::sscanf(run_as, "%u:%u", &uid, &gid) != 2)
    return false;
  return ::setgroups(0, nullptr) == 0 && ::setresgid(gid, gid, gid) == 0 &&
         ::setresuid(uid, uid, uid) == 0;
}

void confine(Room room) {
  constexpr rlim_t megabyte = 1 << 20;
  if (room == Room::usual) {
    limit(RLIMIT_AS, 512 * megabyte, 512 * megabyte);
    limit(RLIMIT_CPU, 2, 3); // seconds; the first one is a signal that is told apart
  } else {
    limit(RLIMIT_CPU, 20, 21);
  }
  limit(RLIMIT_FSIZE, megabyte, megabyte);
  limit(RLIMIT_NOFILE, 64, 64);
  limit(RLIMIT_CORE, 0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL); // nobody would read the verdict
  forbid_other_processes();
}

const char *forbidden_act(int system_call) noexcept {
  switch (system_call) {
  case SYS_kill:
  case SYS_tkill:
  case SYS_tgkill:
  case SYS_rt_sigqueueinfo:
  case SYS_rt_tgsigqueueinfo:
  case SYS_pidfd_send_signal:
  case SYS_ptrace:
    return "it sent a signal to another process";
  case SYS_execve:
  case SYS_execveat:
    return "it started another program";
  default:
    return "it started another process";
  }
}

} // namespace lab::plugin
