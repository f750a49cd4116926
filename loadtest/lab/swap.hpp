// Putting a strategy into force, so that whoever watches the host knows which
// one was being loaded if the host ends in the middle.
#pragma once

#include <nlohmann/json.hpp>

#include "loadtest/lab/host_api.hpp"
#include "loadtest/lab/places.hpp"
#include "loadtest/lab/state.hpp"

namespace lab::cli {

// Answers what the host said. The strategy is used by its name, so it isn't
// refused any more. Throws as HostApi::use. [any thread]
nlohmann::json swap_to(const Places &places, const HostApi &host, const Choice &choice,
                       HostApi::Instance instance);

} // namespace lab::cli
