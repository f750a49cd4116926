#include <fstream>
#include <iterator>
#include <string>

#include <nlohmann/json.hpp>

#include "host/routes/routes.hpp"

namespace lab::host {
namespace {

using nlohmann::json;

Answer file_answer(const std::filesystem::path &file, const std::string &type) {
  std::ifstream in(file, std::ios::binary);
  if (!in)
    throw Problem::not_found("the page is not installed; run scripts/lab");
  return {200, std::string(std::istreambuf_iterator<char>(in), {}), type};
}

} // namespace

void add_watching_routes(Router &router, LivePool &pool, StrategyService &strategies,
                         const ServerWatch &server, Metrics &metrics,
                         const std::filesystem::path &page) {
  // Never waits for the pool: it must answer when everything else does not.
  router.add("GET", "/health", false, [&](Call &) {
    const auto reading = server.last();
    const StrategyStatus strategy = strategies.status();
    const std::string database = server.problem();
    const bool well = database.empty() && strategy.state == StrategyState::ok && !strategy.tainted;
    json body = {{"status", well ? "ok" : "degraded"},
                 {"pending_jobs", reading ? json(reading->numbers.pending_jobs) : json(nullptr)}};
    if (!database.empty())
      body["database"] = database;
    if (!strategy.problem.empty())
      body["strategy"] = strategy.problem;
    if (strategy.tainted)
      body["tainted"] = true;
    return Answer::json(body.dump(-1, ' ', false, json::error_handler_t::replace));
  });

  router.add("GET", "/metrics", false, [&](Call &) {
    return Answer{200, metrics.text(pool, strategies, server),
                  "text/plain; version=0.0.4; charset=utf-8"};
  });

  router.add("GET", "/", false, [page](Call &) {
    return file_answer(page / "index.html", "text/html; charset=utf-8");
  });
}

} // namespace lab::host
