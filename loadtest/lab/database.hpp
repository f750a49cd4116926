// Which database this lab works on: its own PostgreSQL, or the one that
// `--database` named. The only place that knows; all others use what they get.
// [any thread, any process]
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "db/lab_database.hpp"
#include "loadtest/lab/places.hpp"
#include "loadtest/lab/state.hpp"

namespace lab::cli {

// What `--database` says for the lab's own.
inline constexpr const char *own_database = "private";

// `named`: as in State::database, "" for the lab's own.
std::unique_ptr<db::LabDatabase> database_called(const std::string &named, const Places &places,
                                                 const db::LabUser &user);

// The one that is remembered. Throws SetUpFailed when the state can't be read.
std::unique_ptr<db::LabDatabase> database_in_use(const Places &places, const db::LabUser &user);

// The lab's own PostgreSQL, for what may be done to no other. Throws SetUpFailed,
// which says why not `what`, while another database is in use.
db::PrivatePostgres own_postgres(const Places &places, const std::string &what);

// A word of the command line that is, or may be, a database's URL with a password:
// throws, without quoting it. Call it before anything can be printed.
void refuse_passwords(const std::vector<std::string> &words);

} // namespace lab::cli
