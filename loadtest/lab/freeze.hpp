// Freezing the lab's own PostgreSQL for a while: what `lab fault freeze` does, and
// a load that is to have a freeze in its middle. One at a time in a lab. What a
// killed program left frozen is thawed by the next `up` or `fault clear`.
#pragma once

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>

#include "db/private_postgres.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/places.hpp"

namespace lab::cli {

class Freezer { // [one thread at a time]
public:
  // Keeps others from freezing while it lives. `command` is who wants to: "fault
  // freeze". Throws SetUpFailed: another database is in use, or another may freeze now.
  Freezer(const Places &places, const std::string &command);

  // Halts it, calls `frozen`, blocks until `until` or a stop: it runs again when this
  // returns or throws. Throws std::runtime_error when PostgreSQL is not there.
  void freeze(
      std::chrono::steady_clock::time_point until, const std::stop_token &stop,
      const std::function<void()> &frozen = [] {}) const;

private:
  db::PrivatePostgres postgres_;
  FileLock lock_;
};

// Ends a freeze of another process, as a Ctrl-C there would, and waits for the process's
// end. One that holds the lock but freezes nothing now is left alone.
void end_freeze(const Places &places);

} // namespace lab::cli
