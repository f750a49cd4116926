// No connection gets the number of standard input or output.
#include "host/standard_descriptors.hpp"

#include "host/containment.hpp"
#include "host/test_waiting.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

namespace lab::host {
namespace {

TEST(StandardDescriptors, OneThatIsClosedIsTakenAgain) {
  const int kept = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10);
  ASSERT_EQ(::close(STDIN_FILENO), 0);
  keep_standard_descriptors();
  const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_GT(next, STDERR_FILENO);
  ::close(next);
  if (kept >= 0)
    ::dup2(kept, STDIN_FILENO);
}

// One of the standard descriptors, closed by the test and put back after it.
class Closed {
public:
  explicit Closed(int fd) : fd_(fd), kept_(::fcntl(fd, F_DUPFD_CLOEXEC, 10)) { ::close(fd); }
  ~Closed() {
    if (kept_ >= 0) {
      ::dup2(kept_, fd_);
      ::close(kept_);
    }
  }
  bool is_taken() const { return ::fcntl(fd_, F_GETFD) >= 0; }

private:
  int fd_;
  int kept_;
};

TEST(StandardDescriptors, AreTakenWhenAnyCallOfAStrategyHasComeBack) {
  CallWatch watch;
  for (const char *call : {"load", "create", "look", "admit", "destroy", "close"}) {
    watch.enter(call);
    const Closed input(STDIN_FILENO), output(STDOUT_FILENO); // by the strategy
    watch.leave();
    EXPECT_TRUE(input.is_taken() && output.is_taken()) << call;
  }
}

TEST(StandardDescriptors, AreTakenWhenAStrategyClosedOneAndFell) {
  install_containment();
  static CallWatch watch; // as long as its thread
  const Closed input(STDIN_FILENO);
  std::thread([] { // parked for ever: it is never joined
    watch.attach();
    watch.enter("look");
    ::raise(SIGSEGV);
  })
      .detach();
  EXPECT_TRUE(comes_true([&] { return watch.parked(); }));
  EXPECT_TRUE(input.is_taken());
}

} // namespace
} // namespace lab::host
