// A matrix as one HTML file that opens from disc without a request; and as CSV. [any thread]
#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

namespace lab::matrix {

// The page of the folder `parts` (report.html, report.css, report.js, dygraph.min.*), with its
// parts and `data` in it. Text in the data stays text, whatever it is. Throws
// std::runtime_error when a part is missing.
std::string report_html(const std::filesystem::path &parts, const nlohmann::json &data);

// A line for each cell that is finished, from report_data's cells.
std::string cells_csv(const nlohmann::json &data);

} // namespace lab::matrix
