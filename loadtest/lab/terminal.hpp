// What people see: plain lines, and one line that changes in place while
// something runs. Standard output may be kept for JSON alone; then people are
// spoken to on standard error. [one thread at a time]
#pragma once

#include <cstdio>
#include <string>

namespace lab::cli {

class Terminal {
public:
  explicit Terminal(bool output_is_json);

  // A line for people.
  void say(const std::string &line);

  // What goes on now. On a terminal it replaces the one before and goes when
  // something is said; elsewhere only the first of a step is written.
  void progress(const std::string &line);
  void begin_step() { written_ = false; }

  std::FILE *people() const { return people_; }

private:
  void clear();

  std::FILE *people_;
  bool live_;            // standard error is a terminal
  bool shown_ = false;   // a progress line stands there
  bool written_ = false; // this step's, elsewhere
};

} // namespace lab::cli
