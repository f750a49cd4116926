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
