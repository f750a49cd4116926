// What the pool did in the course of a run, as the report draws it. [any thread]
#pragma once

#include <vector>

#include <nlohmann/json.hpp>

namespace lab::matrix {

// Of a run's timeline: "t_ms", "in_use", "waiting", "limit", "open" (as many numbers each; of
// several hosts their sum), "said": [[t_ms, text], ...] where what a strategy said changed,
// "events": [[t_ms, text], ...]. With several hosts, texts begin with the host's port.
nlohmann::json drawn(const std::vector<nlohmann::json> &timeline);

} // namespace lab::matrix
