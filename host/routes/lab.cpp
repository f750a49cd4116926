#include <chrono>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "db/lab_work.hpp"
#include "host/routes/routes.hpp"
#include "host/routes/with_connection.hpp"

namespace lab::host {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

// What a hold takes besides its sleep, on a slow machine: BEGIN, the work, COMMIT.
constexpr auto around_the_hold = milliseconds(100);

int whole_number(const json &body, const char *name, int low, int high, int otherwise) {
  const auto found = body.find(name);
  if (found == body.end())
    return otherwise;
  const bool fits = found->is_number_unsigned() && found->get<std::uint64_t>() <= 1000000;
  const int value = fits ? found->get<int>() : -1;
  if (value < low || value > high)
    throw Problem::bad_request(
        fmt::format("\"{}\" must be a whole number from {} to {}", name, low, high));
  return value;
}

} // namespace

void add_lab_routes(Router &router, LivePool &pool) {
  // A submitter or a worker whose connection is held: it stands for a slow disc
  // or a lock. Bounded, so that no request sleeps for ever.
  router.add_work("POST", "/lab/hold", true, [&pool](Call &call) {
    const json body = json_object(call);
    const auto hold = milliseconds(whole_number(body, "hold_ms", 0, 5000, 50));
    const std::string kind =
        body.contains("kind") && body["kind"].is_string() ? body["kind"].get<std::string>() : "";
    if (kind != "submit" && kind != "claim")
      throw Problem::bad_request("\"kind\" must be submit or claim");
    const bool claimed = with_connection(pool, call, "POST /lab/hold", hold + around_the_hold,
                                         [&](db::Connection &connection) {
                                           if (kind == "claim")
                                             return db::hold_claim(connection, hold);
                                           db::hold_submit(connection, {"generate_report"}, hold);
                                           return false;
                                         });
    return Answer::json(claimed ? R"({"claimed":true})" : R"({"claimed":false})");
  });

  // A short transaction that updates one of a few worker rows.
  router.add_work("POST", "/lab/contend", true, [&pool](Call &call) {
    const json body = json_object(call);
    const int row = whole_number(body, "row", 1, 5, 1);
    (void)with_connection(pool, call, "POST /lab/contend", pool::Duration::zero(),
                          [&](db::Connection &connection) {
                            db::contend(connection, row);
                            return true;
                          });
    return Answer::json("{}");
  });

  // An update of many rows, which are those of the connection that it gets: for the
  // benchmark, where no request is to wait for another's rows.
  router.add_work("POST", "/lab/touch", true, [&pool](Call &call) {
    const json body = json_object(call);
    const int rows = whole_number(body, "rows", 1, 10000, 1000);
    const int touched =
        with_connection(pool, call, "POST /lab/touch", pool::Duration::zero(), [&](Lease &lease) {
          return db::touch_own(lease.connection(), lease.place(), rows);
        });
    return Answer::json(fmt::format(R"({{"rows":{}}})", touched));
  });
}

} // namespace lab::host
