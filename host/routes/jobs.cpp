#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "db/jobs.hpp"
#include "host/routes/routes.hpp"
#include "host/routes/with_connection.hpp"

namespace lab::host {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 5> job_types = {
    "image_resize", "send_email", "generate_report", "process_payment", "sync_inventory"};

// Types and statuses are of a fixed list and times of a fixed form, so that only
// the payload could need quoting; and that is JSON already.
Answer job_answer(const db::Job &job, int status) {
  return Answer::json(
      fmt::format(R"({{"id":{},"type":"{}","payload":{},"status":"{}","priority":{},)"
                  R"("created_at":"{}","updated_at":"{}"}})",
                  job.id, job.type, job.payload, job.status, job.priority, job.created_at,
                  job.updated_at),
      status);
}

db::NewJob new_job(const Call &call) {
  const json body = json_object(call);
  const auto type = body.find("type");
  if (type == body.end() || !type->is_string() ||
      std::find(job_types.begin(), job_types.end(), type->get_ref<const std::string &>()) ==
          job_types.end())
    throw Problem::bad_request("\"type\" must be image_resize, send_email, generate_report, "
                               "process_payment or sync_inventory");
  db::NewJob job;
  job.type = type->get<std::string>();
  if (const auto payload = body.find("payload"); payload != body.end()) {
    if (!payload->is_object())
      throw Problem::bad_request("\"payload\" must be an object");
    job.payload = payload->dump();
  }
  if (const auto priority = body.find("priority"); priority != body.end()) {
    constexpr auto low = std::numeric_limits<std::int32_t>::min();
    constexpr auto high = std::numeric_limits<std::int32_t>::max();
    const bool fits = priority->is_number_unsigned()
                          ? priority->get<std::uint64_t>() <= static_cast<std::uint64_t>(high)
                          : priority->is_number_integer() && priority->get<std::int64_t>() >= low;
    if (!fits)
      throw Problem::bad_request("\"priority\" must be a 32-bit integer");
    job.priority = priority->get<int>();
  }
  return job;
}

std::int64_t job_id(const std::string &text) {
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id < 1)
    throw Problem::bad_request("a job's id is a whole number, 1 or more");
  return id;
}

std::string job_status(const Call &call) {
  const json body = json_object(call);
  const auto status = body.find("status");
  if (status == body.end() || !status->is_string() || (*status != "done" && *status != "failed"))
    throw Problem::bad_request("\"status\" must be done or failed");
  return status->get<std::string>();
}

} // namespace

void add_job_routes(Router &router, LivePool &pool) {
  static constexpr auto unknown_length = pool::Duration::zero();

  router.add_work("POST", "/jobs", true, [&pool](Call &call) {
    const db::NewJob job = new_job(call);
    const db::Job made =
        with_connection(pool, call, "POST /jobs", unknown_length, [&](db::Connection &connection) {
          return db::insert_job(connection, job);
        });
    return job_answer(made, 201);
  });

  // It changes data, as in the original, so a foreign site may not call it.
  router.add_work("GET", "/jobs/next", true, [&pool](Call &call) {
    const auto job =
        with_connection(pool, call, "GET /jobs/next", unknown_length,
                        [](db::Connection &connection) { return db::claim_next_job(connection); });
    return job ? job_answer(*job, 200) : Answer{204, ""};
  });

  router.add_work("GET", "/jobs/stats", false, [&pool](Call &call) {
    const db::JobStats stats =
        with_connection(pool, call, "GET /jobs/stats", unknown_length,
                        [](db::Connection &connection) { return db::job_stats(connection); });
    return Answer::json(fmt::format(R"({{"pending":{},"processing":{},"done":{},"failed":{}}})",
                                    stats.pending, stats.processing, stats.done, stats.failed));
  });

  router.add_work("PATCH", "/jobs/:id", true, [&pool](Call &call) {
    const std::int64_t id = job_id(call.parameter);
    const std::string status = job_status(call);
    const auto job = with_connection(
        pool, call, "PATCH /jobs/:id", unknown_length,
        [&](db::Connection &connection) { return db::set_job_status(connection, id, status); });
    if (!job)
      throw Problem::not_found(fmt::format("there is no job {}", id));
    return job_answer(*job, 200);
  });
}

} // namespace lab::host
