// No connection gets the number of standard input or output.
#include "host/standard_descriptors.hpp"

#include <gtest/gtest.h>

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

} // namespace
} // namespace lab::host
