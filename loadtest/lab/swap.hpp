// Putting a strategy into force in all hosts, so that whoever watches them knows
// which one was being loaded if a host ends in the middle.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "loadtest/lab/host_api.hpp"
#include "loadtest/lab/places.hpp"
#include "loadtest/lab/state.hpp"

namespace lab::cli {

// Answers what the first host said. The strategy is used by its name, so it isn't
// refused any more. All of `hosts` run it then, or it throws as HostApi::use and those
// that ran it already are back on what they ran; else the line says which is not.
// [any thread]
nlohmann::json swap_to(const Places &places, const std::vector<HostApi> &hosts,
                       const Choice &choice, HostApi::Instance instance);

// Of what swap_to answers: "; its state (24 bytes) was taken over", "; its state was not taken
// over: why", or "" where there was none. [any thread]
std::string state_text(const nlohmann::json &said);

// One line where not all of them run the same strategy with the same settings; else
// "". Throws as HostApi::strategy. [any thread]
std::string difference_between(const std::vector<HostApi> &hosts);

} // namespace lab::cli
