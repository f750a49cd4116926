#include "db/jobs.hpp"
#include "db/statement.hpp"

#include <string_view>

namespace lab::db {

namespace {

// A job's columns in the order in which `job_of` reads them.
#define ISO_TIME(column)                                                                           \
  "to_char(" column " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
#define JOB_COLUMNS                                                                                \
  "id, type, payload::text, status, priority, " ISO_TIME("created_at") ", " ISO_TIME("updated_at")

const Statement insert{"insert_job",
                       "INSERT INTO jobs (type, payload, priority) VALUES ($1, $2::jsonb, $3) "
                       "RETURNING " JOB_COLUMNS};

// SKIP LOCKED: claimers pass by what others are claiming instead of queueing for it.
const Statement claim{"claim_next_job",
                      "UPDATE jobs SET status = 'processing', updated_at = now() "
                      "WHERE id = (SELECT id FROM jobs WHERE status = 'pending' "
                      "ORDER BY priority DESC, created_at, id FOR UPDATE SKIP LOCKED LIMIT 1) "
                      "RETURNING " JOB_COLUMNS};

const Statement set_status{"set_job_status",
                           "UPDATE jobs SET status = $2, updated_at = now() WHERE id = $1 "
                           "RETURNING " JOB_COLUMNS};

const Statement stats{"job_stats", "SELECT count(*) FILTER (WHERE status = 'pending'), "
                                   "count(*) FILTER (WHERE status = 'processing'), "
                                   "count(*) FILTER (WHERE status = 'done'), "
                                   "count(*) FILTER (WHERE status = 'failed') FROM jobs"};

#undef JOB_COLUMNS
#undef ISO_TIME

Job job_of(const pqxx::row &row) {
  return {.id = row[0].as<std::int64_t>(),
          .type = row[1].c_str(),
          .payload = row[2].c_str(),
          .status = row[3].c_str(),
          .priority = row[4].as<int>(),
          .created_at = row[5].c_str(),
          .updated_at = row[6].c_str()};
}

std::optional<Job> first_of(const pqxx::result &rows) {
  if (rows.empty())
    return std::nullopt;
  return job_of(rows[0]);
}

} // namespace

Job insert_job(Connection &connection, const NewJob &job) {
  return job_of(
      run_alone(connection, Effect::writes, insert, job.type, job.payload, job.priority)[0]);
}

std::optional<Job> claim_next_job(Connection &connection) {
  return first_of(run_alone(connection, Effect::writes, claim));
}

std::optional<Job> set_job_status(Connection &connection, std::int64_t id,
                                  const std::string &status) {
  return first_of(run_alone(connection, Effect::writes, set_status, id, status));
}

JobStats job_stats(Connection &connection) {
  const auto counts = run_alone(connection, Effect::nothing, stats);
  return {.pending = counts[0][0].as<std::int64_t>(),
          .processing = counts[0][1].as<std::int64_t>(),
          .done = counts[0][2].as<std::int64_t>(),
          .failed = counts[0][3].as<std::int64_t>()};
}

} // namespace lab::db
