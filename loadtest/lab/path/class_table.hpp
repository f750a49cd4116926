// The progress files of a whole class as one table: a row for each learner, a column for each
// step. Standing comes from each file alone, and is judged again from the runs that it keeps
// (stored.hpp). [any thread]
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "loadtest/lab/path/stored.hpp"

namespace lab::path {

struct ClassRow {
  std::string learner; // "" when the file names nobody
  std::string file;    // below the folder
  int route_minutes = 45;
  std::vector<Stored> steps; // as ClassTable::steps
  int hints = 0;             // of each step the highest level, added up
  int solutions = 0;         // steps of which the solution was seen
  std::chrono::milliseconds taken{0};

  const std::string &name() const { return learner.empty() ? file : learner; }
};

struct LeftOut {
  std::string file;
  std::string why; // one line
};

struct ClassTable {
  std::vector<Step> steps;
  std::vector<ClassRow> rows; // by name
  std::vector<LeftOut> left_out;
};

// Every *.json below the folder. Links are not followed, and the runs and reports that a lab
// records (.lab/runs, .lab/reports) are passed over. Throws cli::SetUpFailed when the folder
// can't be read.
ClassTable read_class(const std::filesystem::path &folder, std::vector<Step> steps);

std::string as_text(const ClassTable &table); // for a terminal: signs, and what they mean
std::string as_csv(const ClassTable &table);  // RFC 4180; no cell is a formula to a spreadsheet
nlohmann::json as_json(const ClassTable &table);

// One cell of CSV.
std::string csv_cell(const std::string &text);

// What comes from files can't move the cursor, or end a line.
std::string printable(const std::string &text);

} // namespace lab::path
