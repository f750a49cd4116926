// What is done to the pool by hand, whatever the strategy says.
#include <cstddef>
#include <string>

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "host/events/pool_reporter.hpp"
#include "host/routes/routes.hpp"

namespace lab::host {

using nlohmann::json;

void add_pool_routes(Router &router, LivePool &pool, EventLog &log) {
  // The host's own, on top of any plan: a swap leaves it as it is.
  router.add("PUT", "/api/v1/pool", true, [&pool, &log](Call &call) {
    const json body = json_object(call);
    const auto wanted = body.find("paused");
    if (wanted == body.end() || !wanted->is_boolean())
      throw Problem::bad_request("\"paused\" must be true or false");
    const bool paused = wanted->get<bool>();
    const bool changed = pool.pause(paused);
    if (changed) {
      spdlog::info(paused ? "the pool is paused" : "the pool is resumed");
      log.append("pause", {{"paused", paused}});
    }
    return Answer::json(json{{"paused", paused}, {"changed", changed}}.dump());
  });

  router.add("POST", "/api/v1/pool/reclaim", true, [&pool, &log](Call &) {
    const std::size_t count = pool.reclaim_leaks();
    if (count > 0) {
      spdlog::warn("{} connections were reclaimed from those that held them", count);
      append_reclaim(log, count);
    }
    return Answer::json(json{{"reclaimed", count}}.dump());
  });
}

} // namespace lab::host
