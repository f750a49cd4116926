// `lab doctor --bundle`: all that somebody needs who is asked what is wrong here, in
// one file, without secrets. [one thread]
//
// It is plain text and no archive: whoever sends it can read all of it before, and
// whoever gets it can read it in an issue. Nothing is sent by the lab.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "loadtest/lab/checks.hpp"
#include "loadtest/lab/places.hpp"

namespace lab::cli {

// The text of the report.
std::string bug_report(const Places &places, const std::vector<Check> &checks);

struct WrittenReport {
  std::filesystem::path file;
  std::size_t bytes = 0;
};

// Into `file`; without one into $LAB_WORK/.lab/report-TIME.txt. Mode 0600; a file that
// is there is left as it is. Throws SetUpFailed.
WrittenReport write_bug_report(const Places &places, const std::vector<Check> &checks,
                               const std::optional<std::filesystem::path> &file);

} // namespace lab::cli
