// What can be done to the lab's own PostgreSQL on purpose, to see how everything
// above it takes that. Never to any other. Throws std::runtime_error, one line.
// [one thread at a time; one program at a time]
#pragma once

#include "db/private_postgres.hpp"

namespace lab::db {

// As after a power cut, but that the disc stays: KILL to the postmaster and all its
// processes. Returns when they are gone. The next start recovers.
void kill_server(const PrivatePostgres &postgres);

// As a disc or a virtual machine that stands still: STOP to all its processes, so
// that sockets stay open and nobody answers. Undone at the end of this object; what
// a killed program left behind, by `thaw`.
class Freeze {
public:
  explicit Freeze(const PrivatePostgres &postgres);
  ~Freeze();
  Freeze(const Freeze &) = delete;
  Freeze &operator=(const Freeze &) = delete;

private:
  const PrivatePostgres &postgres_;
};
void thaw(const PrivatePostgres &postgres);

} // namespace lab::db
