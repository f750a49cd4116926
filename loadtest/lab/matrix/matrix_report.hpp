// A matrix that was run, found by its name, and its report.
#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include "loadtest/lab/places.hpp"
#include "loadtest/matrix/folder.hpp"

namespace lab::cli {

// By its name or its folder; "": the newest. Throws SetUpFailed.
matrix::Folder matrix_called(const Places &places, const std::string &name);

struct MatrixReport {
  std::filesystem::path html;
  nlohmann::json data; // all that the page shows: loadtest/matrix/report_data.hpp
};

// Writes report.html and cells.csv into the matrix's folder, from what is finished. Throws
// SetUpFailed, std::runtime_error.
MatrixReport write_matrix_report(const Places &places, const matrix::Folder &folder);

} // namespace lab::cli
