// Why a run ended as it did, in one or two plain sentences. [any thread]
//
// Computed from the summary's numbers alone, never from the strategy's name: a
// fixed_tiny with 30 connections that holds is not said to starve. Every number
// in a sentence stands in the summary.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace lab::load {

std::string why(const nlohmann::json &summary);

} // namespace lab::load
