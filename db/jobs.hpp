// The job queue in SQL: one function a route, one round trip each (a statement's
// first use on a connection costs one more, which prepares it).
//
// Every function is [the thread that holds the connection] and throws
// StatementError. A lost connection is `lost` in a read and `in_doubt` in a write.
#pragma once

#include "db/connection.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace lab::db {

struct Job {
  std::int64_t id = 0;
  std::string type;
  std::string payload; // JSON text
  std::string status;  // pending, processing, done or failed
  int priority = 0;
  std::string created_at; // ISO 8601 in UTC to the millisecond: 2026-01-31T23:59:59.123Z
  std::string updated_at; // likewise
};

struct NewJob {
  std::string type;           // one of the five that schema.sql allows
  std::string payload = "{}"; // JSON text
  int priority = 0;
};

struct JobStats {
  std::int64_t pending = 0;
  std::int64_t processing = 0;
  std::int64_t done = 0;
  std::int64_t failed = 0;
};

Job insert_job(Connection &connection, const NewJob &job);

// The pending job of highest priority, of these the oldest; now `processing`.
// Nothing when none is pending, or when others are claiming all that are.
std::optional<Job> claim_next_job(Connection &connection);

// Nothing when there is no such job.
std::optional<Job> set_job_status(Connection &connection, std::int64_t id,
                                  const std::string &status);

JobStats job_stats(Connection &connection);

} // namespace lab::db
