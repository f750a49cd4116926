// Any two recorded runs side by side: in what they differed, and what came of it. [any thread]
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "loadtest/comparison.hpp"
#include "loadtest/run_folder.hpp"

namespace lab::load {

// {"a", "b": summaries, "differs": [{"what", "a", "b"}], "same_requests": bool,
// "ok_per_second_ratio", "p99_ratio": a by b, or null, "failed_points": a less b}
nlohmann::json compare_runs(const StoredRun &a, const StoredRun &b);

// Of what compare_runs answers. Ends with a newline.
std::string two_runs_text(const nlohmann::json &compared, const Style &style);

} // namespace lab::load
