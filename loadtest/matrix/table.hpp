// A matrix's analysis for a terminal. [any thread]
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace lab::matrix {

// Of what `analyse` answers, profile by profile: what chance alone did (the twins), each arm's
// figures, each pair in a sentence. Ends with a newline.
std::string table(const nlohmann::json &analysis);

// "ok/s x0.5 (0.48 to 0.52) worse"; without an interval where there is none.
std::string measure_text(const nlohmann::json &measure);

} // namespace lab::matrix
