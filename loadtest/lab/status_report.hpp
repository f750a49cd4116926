// How the lab is, gathered from the processes themselves. [any thread]
#pragma once

#include <nlohmann/json.hpp>

#include "loadtest/lab/places.hpp"

namespace lab::cli {

// host_url, database ("private", "foreign"), database_url (no password), host_pid, postgres_pid,
// agent_pid (null when it doesn't run), strategy, strategy_state, params, up, refused (name to
// reason), hosts (url, pid, strategy, strategy_state of each; the first one's are those above),
// monitoring (as monitoring_report has it; null without), events (what happened to the hosts),
// faults (in force on purpose), problems (one line each).
nlohmann::json status_report(const Places &places);

} // namespace lab::cli
