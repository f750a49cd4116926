// On what a run ran: recorded with it, since a number without its machine says
// little. [any thread]
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace lab::load {

// {"cores", "processor", "memory_mb", "kernel", "system", "compiler"}
nlohmann::json machine_facts();

// {"version", "settings": {name: value}} of the server behind `conninfo`;
// {"problem": one line} when it can't be asked. Blocks for at most about 2 s.
nlohmann::json postgres_facts(const std::string &conninfo);

} // namespace lab::load
