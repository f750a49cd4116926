// One line for a child that no process list, environment or file may show: it
// waits in a pipe whose reading end the child inherits. [one thread]
#pragma once

#include <string>

namespace lab::cli {

class SecretPipe {
public:
  // "" makes no pipe. Throws std::runtime_error, one line.
  explicit SecretPipe(const std::string &secret);
  ~SecretPipe();
  SecretPipe(const SecretPipe &) = delete;
  SecretPipe &operator=(const SecretPipe &) = delete;

  int descriptor() const { return reading_; } // -1: there is nothing to read

private:
  int reading_ = -1;
};

} // namespace lab::cli
