// The before/after table of a step: its runs side by side. [any thread]
#pragma once

#include <string>
#include <vector>

#include "loadtest/lab/path/evidence.hpp"
#include "loadtest/lab/path/step.hpp"

namespace lab::path {

struct Table {
  std::vector<std::string> columns;           // a run each: "before"
  std::vector<std::vector<std::string>> rows; // a name, and a cell for each column

  bool empty() const { return rows.empty(); }
};

// Of the runs that are there; rows in which none says anything are left out.
Table table_of(const Step &step, const Evidence &evidence);

std::string as_text(const Table &table); // aligned, for a terminal

} // namespace lab::path
