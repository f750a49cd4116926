// What is wrong with a host's pool, as its own report (GET /api/v1/pool) tells it.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace lab::cli {

// One line each, with what to do. `host`: "the host", "the second host".
std::vector<std::string> pool_problems(const std::string &host, const nlohmann::json &pool);

} // namespace lab::cli
