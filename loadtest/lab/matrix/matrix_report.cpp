#include "loadtest/lab/matrix/matrix_report.hpp"

#include "loadtest/lab/exit_status.hpp"
#include "loadtest/lab/files.hpp"
#include "loadtest/matrix/report.hpp"
#include "loadtest/matrix/report_data.hpp"

namespace lab::cli {

namespace fs = std::filesystem;
using matrix::Folder;
using nlohmann::json;

Folder matrix_called(const Places &places, const std::string &name) {
  if (name.empty()) {
    const auto newest = matrix::newest(places.matrices());
    if (!newest)
      throw SetUpFailed("no matrix was begun yet: scripts/lab matrix");
    return Folder::open(*newest);
  }
  return Folder::open(name.find('/') == std::string::npos ? places.matrices() / name
                                                          : fs::path(name));
}

MatrixReport write_matrix_report(const Places &places, const Folder &folder) {
  MatrixReport report{folder.path() / "report.html", matrix::report_data(folder)};
  json measured = json::parse(text_of_file(places.calibration()).value_or("null"), nullptr, false);
  report.data["calibration"] = measured.is_discarded() ? json() : std::move(measured);
  write_whole(folder.path() / "cells.csv", matrix::cells_csv(report.data));
  write_whole(report.html, matrix::report_html(places.report_parts(), report.data));
  return report;
}

} // namespace lab::cli
