#include "plugins/verifier/step_page.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include <sys/mman.h>
#include <unistd.h>

#include "plugins/loader/shown_text.hpp"

namespace lab::plugin {
namespace {

char *mapped(int fd, std::size_t size) {
  void *page = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return page == MAP_FAILED ? nullptr : static_cast<char *>(page);
}

} // namespace

StepPage::StepPage() : fd_(::memfd_create("step", MFD_CLOEXEC)) {
  if (fd_ >= 0 && ::ftruncate(fd_, size) == 0)
    page_ = mapped(fd_, size);
  if (page_ != nullptr)
    return;
  const int error = errno;
  if (fd_ >= 0)
    ::close(fd_);
  throw std::runtime_error("no page of memory: " + std::generic_category().message(error));
}

StepPage::StepPage(int descriptor) : page_(mapped(descriptor, size)) {
  ::close(descriptor);
}

StepPage::~StepPage() {
  if (page_ != nullptr)
    ::munmap(page_, size);
  if (fd_ >= 0)
    ::close(fd_);
}

void StepPage::set(std::string_view where) noexcept {
  if (page_ == nullptr)
    return;
  const std::size_t length = std::min(where.size(), size - 1);
  std::memcpy(page_, where.data(), length);
  page_[length] = '\0';
}

std::string StepPage::text() const {
  return shown_text({page_, ::strnlen(page_, size)});
}

} // namespace lab::plugin
