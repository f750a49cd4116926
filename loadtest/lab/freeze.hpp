// A frozen PostgreSQL of the lab's own, for as long as the object lives: one at a
// time, and another command can find and end it. [one thread]
#pragma once

#include "db/faults.hpp"
#include "db/private_postgres.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/lab/places.hpp"

namespace lab::cli {

class FreezeUnderWay {
public:
  // Throws SetUpFailed when another is under way.
  FreezeUnderWay(const Places &places, db::PrivatePostgres postgres);

private:
  FileLock lock_; // says whose it is
  db::PrivatePostgres postgres_;
  db::Freeze frozen_;
};

// Ends the freeze of another command, if there is one, and waits until it is over.
void end_freeze(const Places &places);

} // namespace lab::cli
