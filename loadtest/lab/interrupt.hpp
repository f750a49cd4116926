// Ctrl-C while loads run: what is finished is kept and printed, then the program
// ends with 130. A second one ends it at once.
#pragma once

#include <stop_token>
#include <thread>

namespace lab::cli {

// Thrown where nothing more is to be done after a Ctrl-C.
struct Interrupted {};

class Interrupt { // one in a program, made before other threads
public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt &) = delete;
  Interrupt &operator=(const Interrupt &) = delete;

  std::stop_token token() const { return stop_.get_token(); } // [any thread]
  bool came() const { return stop_.stop_requested(); }        // [any thread]
  void check() const {                                        // [any thread]
    if (came())
      throw Interrupted{};
  }

private:
  void wait_for_signals(); // [its own thread]

  std::stop_source stop_;
  std::thread thread_;
};

} // namespace lab::cli
