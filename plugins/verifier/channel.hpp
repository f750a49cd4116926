// The verifier's own line to its parent: where it is, what a dying process could
// still say, and the verdict. Each line begins with a word that only the parent
// knows, so nothing that the library prints is taken for a verdict.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "plugins/verifier/step_page.hpp"

namespace lab::plugin {

// Names of the environment variables that the parent sets; the last two where they apply.
inline constexpr const char *channel_variable = "POOL_LAB_CHANNEL"; // a file descriptor's number
inline constexpr const char *step_variable = "POOL_LAB_STEP";       // another's, of a StepPage
inline constexpr const char *nonce_variable = "POOL_LAB_NONCE";
inline constexpr const char *run_as_variable = "POOL_LAB_RUN_AS"; // "UID:GID"
inline constexpr const char *sanitized_variable = "POOL_LAB_SANITIZED";

class Channel { // [verifier's main thread], but note() [signal handler]
public:
  Channel(int fd, std::string_view nonce, int step_page)
      : fd_(fd), start_(std::string(nonce) + ' '), step_(step_page) {}

  // Said before each step, so that the parent knows where a step never ended.
  void at(std::string_view where) { step_.set(where); }
  // What is known about the end that comes now. Calls only what a signal handler may.
  void note(const char *what) noexcept;
  // Where in the library that is, as addr2line counts. The same holds.
  void place(std::uintptr_t offset) noexcept;
  void verdict(const std::string &json);

private:
  void line(std::string_view kind, std::string_view text);

  int fd_;
  std::string start_; // the nonce and a space
  StepPage step_;
};

} // namespace lab::plugin
