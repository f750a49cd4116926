// A profile as JSON, as it stands in run.json (`asked`) and matrix.json. [any thread]
#pragma once

#include <nlohmann/json.hpp>

#include "loadtest/profile.hpp"

namespace lab::load {

nlohmann::json json_of(const Profile &profile);

// Throws std::runtime_error, one line, when it is none, and what check() throws.
Profile profile_of(const nlohmann::json &json);

} // namespace lab::load
