#include "db/lab_work.hpp"
#include "db/statement.hpp"

namespace lab::db {

namespace {

const Statement insert{"lab_insert",
                       "INSERT INTO jobs (type, payload, priority) VALUES ($1, $2::jsonb, $3)"};
const Statement claim{"lab_claim",
                      "UPDATE jobs SET status = 'processing', updated_at = now() "
                      "WHERE id = (SELECT id FROM jobs WHERE status = 'pending' "
                      "ORDER BY priority DESC, created_at, id FOR UPDATE SKIP LOCKED LIMIT 1) "
                      "RETURNING id"};
const Statement finish{"lab_finish",
                       "UPDATE jobs SET status = 'done', updated_at = now() WHERE id = $1"};
const Statement sleep{"lab_sleep", "SELECT pg_sleep($1::integer / 1000.0)"};
const Statement see_worker{"lab_see_worker", "UPDATE workers SET last_seen = now() WHERE id = $1"};
const Statement count_for_worker{
    "lab_count_for_worker", "UPDATE workers SET jobs_processed = jobs_processed + 1 WHERE id = $1"};

const Statement touch{"lab_touch", "UPDATE jobs SET updated_at = now() WHERE id > $1 AND id <= $2"};

void sleep_in(pqxx::work &transaction, Connection &connection, std::chrono::milliseconds hold) {
  if (hold.count() > 0)
    run_in(transaction, connection, sleep, static_cast<int>(hold.count()));
}

} // namespace

// All of these run with Effect::nothing: what goes before COMMIT is sent is rolled
// back, and libpqxx itself says so when COMMIT is what it lost.

void hold_submit(Connection &connection, const NewJob &job, std::chrono::milliseconds hold) {
  prepare(connection, insert);
  prepare(connection, sleep);
  running(connection, Effect::nothing, [&] {
    pqxx::work transaction(connection.raw());
    run_in(transaction, connection, insert, job.type, job.payload, job.priority);
    sleep_in(transaction, connection, hold);
    transaction.commit();
  });
}

bool hold_claim(Connection &connection, std::chrono::milliseconds hold) {
  prepare(connection, claim);
  prepare(connection, sleep);
  prepare(connection, finish);
  return running(connection, Effect::nothing, [&] {
    pqxx::work transaction(connection.raw());
    const auto claimed = run_in(transaction, connection, claim);
    sleep_in(transaction, connection, hold);
    if (!claimed.empty())
      run_in(transaction, connection, finish, claimed[0][0].as<std::int64_t>());
    transaction.commit();
    return !claimed.empty();
  });
}

// The row is locked by the first statement and written by two: each write leaves
// a version behind that others must step over for as long as anyone's snapshot
// is old. The more transactions wait, the older snapshots get, and the longer
// every update takes. That is what makes a huge pool slower, on any machine.
void contend(Connection &connection, int row) {
  prepare(connection, see_worker);
  prepare(connection, insert);
  prepare(connection, count_for_worker);
  running(connection, Effect::nothing, [&] {
    pqxx::work transaction(connection.raw());
    run_in(transaction, connection, see_worker, row);
    run_in(transaction, connection, insert, "sync_inventory", "{}", 0);
    run_in(transaction, connection, count_for_worker, row);
    transaction.commit();
  });
}

int touch_own(Connection &connection, int part, int rows) {
  const std::int64_t first = static_cast<std::int64_t>(part) * rows;
  return static_cast<int>(
      run_alone(connection, Effect::writes, touch, first, first + rows).affected_rows());
}

} // namespace lab::db
