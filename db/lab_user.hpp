// The user that PostgreSQL, host and verifier run as: never root.
#pragma once

#include <optional>
#include <string>

#include <sys/types.h>

namespace lab::db {

struct LabUser {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string name;
};

// Called by root: the system user `pool-lab`, made if absent. It is the lab's own
// (not `postgres`, which may enter other clusters). Called by anyone else: the
// caller. Throws std::runtime_error, one line. [any thread]
LabUser lab_user();

// The same, but nothing is made: none when root calls and the user is absent.
std::optional<LabUser> lab_user_if_there();

// Root only: removes the system user. What was said against it; "" when it went
// well or there was none.
std::string remove_system_user();

} // namespace lab::db
