// What is written to standard output and error from now on. In a host these go to its
// log, in the trial they would go nowhere: they are caught and told.
#pragma once

#include <string>

namespace lab::plugin {

class Spoken { // one in a process; [verifier's main thread]
public:
  Spoken();
  ~Spoken();
  Spoken(const Spoken &) = delete;
  Spoken &operator=(const Spoken &) = delete;

  // The first line of it, safe to show; "" when nothing was written.
  std::string first_line() const;

private:
  int fd_;
};

} // namespace lab::plugin
