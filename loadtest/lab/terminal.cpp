#include "loadtest/lab/terminal.hpp"

#include <cstdlib>
#include <string_view>

#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/format.h>

namespace lab::cli {
namespace {

std::size_t columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 10)
    return size.ws_col;
  return 80;
}

bool can_go_back() {
  const char *kind = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) && kind && std::string_view(kind) != "dumb";
}

} // namespace

Terminal::Terminal(bool output_is_json)
    : people_(output_is_json ? stderr : stdout), live_(can_go_back()) {}

void Terminal::say(const std::string &line) {
  clear();
  fmt::print(people_, "{}\n", line);
  std::fflush(people_);
}

void Terminal::progress(const std::string &line) {
  if (live_) {
    fmt::print(stderr, "\r\x1b[K{}", line.substr(0, columns() - 1));
    std::fflush(stderr);
    shown_ = true;
  } else if (!written_) {
    fmt::print(stderr, "{}\n", line);
    written_ = true;
  }
}

void Terminal::clear() {
  if (shown_)
    fmt::print(stderr, "\r\x1b[K");
  shown_ = false;
}

} // namespace lab::cli
