// All routes, by what they are about. Each function adds its own to the router.
#pragma once

#include <filesystem>

#include "host/events/event_log.hpp"
#include "host/events/event_stream.hpp"
#include "host/events/pool_reporter.hpp"
#include "host/faults/host_faults.hpp"
#include "host/http/router.hpp"
#include "host/live_pool.hpp"
#include "host/metrics.hpp"
#include "host/server_watch.hpp"
#include "host/strategy_service.hpp"

namespace lab::host {

// POST /jobs, GET /jobs/next, PATCH /jobs/:id, GET /jobs/stats: the original's.
void add_job_routes(Router &router, LivePool &pool);

// POST /lab/hold, POST /lab/contend: work that profiles need.
void add_lab_routes(Router &router, LivePool &pool);

// /api/v1/...: strategies, the pool as it is.
void add_api_routes(Router &router, StrategyService &strategies, const PoolReporter &reporter);

// PUT /api/v1/pool, POST /api/v1/pool/reclaim: what is done to the pool by hand.
void add_pool_routes(Router &router, LivePool &pool, EventLog &log);

// GET /api/v1/events, POST /api/v1/marks: what happens, as it happens.
void add_event_routes(Router &router, EventLog &log, EventStream &stream);

// GET, POST, DELETE /lab/faults: slow connects and leaks, on purpose and for a time.
void add_fault_routes(Router &router, HostFaults &faults);

// GET, PUT /api/v1/settings: what the learner's settings file says.
void add_settings_routes(Router &router, StrategyService &strategies);

// GET, POST, DELETE /api/v1/runs and /api/v1/faults: loads and faults that the page asks for,
// handed on to the agent that listens on `socket`; "": there is none.
void add_agent_routes(Router &router, const std::filesystem::path &socket);

// GET /health, GET /metrics, and the page with what it loads.
void add_watching_routes(Router &router, LivePool &pool, StrategyService &strategies,
                         const ServerWatch &server, Metrics &metrics,
                         const std::filesystem::path &page);

} // namespace lab::host
