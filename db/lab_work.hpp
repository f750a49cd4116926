// What profiles need beyond the original's routes: work that holds its
// connection for a stated time, and work that fights over rows. Each is a real
// transaction (BEGIN, statements, COMMIT), so the connection is busy throughout.
//
// Every function is [the thread that holds the connection] and throws
// StatementError: `lost` when the connection went before COMMIT was sent, so
// that the server rolls back; `in_doubt` when it went during COMMIT.
#pragma once

#include "db/connection.hpp"
#include "db/jobs.hpp"

#include <chrono>

namespace lab::db {

// Inserts the job, then sleeps in the server for `hold` (0: not at all).
void hold_submit(Connection &connection, const NewJob &job, std::chrono::milliseconds hold);

// Claims the next job, sleeps in the server for `hold`, and marks it done.
// False when none was pending: then it only sleeps.
bool hold_claim(Connection &connection, std::chrono::milliseconds hold);

// Notes that the worker `row` (1..5, the ids in `workers`) was seen, inserts a
// job, and counts it for the worker. Whoever picks the same row waits for this
// one's COMMIT.
void contend(Connection &connection, int row);

// Updates up to `rows` jobs that are of part `part` (0, 1, ...) alone: those with the ids
// from part * rows + 1 on. Who keeps to a part of their own never waits for another's
// COMMIT. Answers how many there were.
int touch_own(Connection &connection, int part, int rows);

} // namespace lab::db
