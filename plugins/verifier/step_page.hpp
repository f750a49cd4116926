// A page of memory that both sides of a trial see: where the trial is, so that the parent
// knows where it ended. A trial makes a thousand steps in some milliseconds; telling each on
// a pipe would cost more than the trial.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lab::plugin {

class StepPage {
public:
  StepPage();                        // [parent] throws std::runtime_error
  explicit StepPage(int descriptor); // [verifier] the same page, by what was handed on; closes it
  ~StepPage();
  StepPage(const StepPage &) = delete;
  StepPage &operator=(const StepPage &) = delete;

  int descriptor() const { return fd_; }     // [parent] to hand on
  void set(std::string_view where) noexcept; // [verifier] cut off at some hundred bytes
  // [parent] Once the verifier is gone; "" when no step began. What a library may have
  // written over it is shown as text, too.
  std::string text() const;

private:
  static constexpr std::size_t size = 4096;
  int fd_ = -1;
  char *page_ = nullptr;
};

} // namespace lab::plugin
