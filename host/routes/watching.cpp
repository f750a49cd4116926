#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

#include <nlohmann/json.hpp>

#include "host/routes/routes.hpp"

namespace lab::host {
namespace {

using nlohmann::json;

// What the page may load: its own host's files, and nothing from anywhere else.
constexpr const char *page_policy = "default-src 'self'; img-src 'self' data:; "
                                    "style-src 'self' 'unsafe-inline'; object-src 'none'; "
                                    "base-uri 'none'; form-action 'none'";

const char *type_of(const std::filesystem::path &file) {
  const std::string ending = file.extension();
  return ending == ".html"  ? "text/html; charset=utf-8"
         : ending == ".js"  ? "text/javascript; charset=utf-8"
         : ending == ".css" ? "text/css; charset=utf-8"
                            : "application/octet-stream";
}

// Read each time: an upgrade replaces the page under a host that runs.
Answer file_answer(const std::filesystem::path &file) {
  std::ifstream in(file, std::ios::binary);
  if (!in)
    throw Problem::not_found("the page is not installed; run scripts/lab");
  return {200,
          std::string(std::istreambuf_iterator<char>(in), {}),
          type_of(file),
          {{"Cache-Control", "no-cache"},
           {"X-Content-Type-Options", "nosniff"},
           {"Content-Security-Policy", page_policy}}};
}

} // namespace

void add_watching_routes(Router &router, LivePool &pool, StrategyService &strategies,
                         const ServerWatch &server, Metrics &metrics,
                         const std::filesystem::path &page) {
  // Never waits for the pool: it must answer when everything else does not.
  router.add("GET", "/health", false, [&](Call &) {
    const auto reading = server.fresh();
    const StrategyStatus strategy = strategies.status();
    const std::string database = server.problem();
    const bool paused = pool.snapshot().paused;
    const bool well =
        database.empty() && strategy.state == StrategyState::ok && !strategy.tainted && !paused;
    json body = {{"status", well ? "ok" : "degraded"},
                 {"pending_jobs", reading ? json(reading->numbers.pending_jobs) : json(nullptr)}};
    if (!database.empty())
      body["database"] = database;
    if (!strategy.problem.empty())
      body["strategy"] = strategy.problem;
    if (paused)
      body["pool"] = "paused: nobody is handed a connection; resume it with lab resume";
    if (strategy.tainted)
      body["tainted"] = true;
    return Answer::json(body.dump(-1, ' ', false, json::error_handler_t::replace));
  });

  router.add("GET", "/metrics", false, [&](Call &) {
    return Answer{200, metrics.text(pool, strategies, server),
                  "text/plain; version=0.0.4; charset=utf-8"};
  });

  // Names come from the folder, never from a request: nobody can ask for another file.
  router.add("GET", "/", false, [page](Call &) { return file_answer(page / "index.html"); });
  std::error_code absent;
  for (const auto &file : std::filesystem::directory_iterator(page, absent))
    router.add("GET", ("/" / file.path().filename()).string(), false,
               [path = file.path()](Call &) { return file_answer(path); });
}

} // namespace lab::host
