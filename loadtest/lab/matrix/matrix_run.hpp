// Runs the cells of a matrix as Google Benchmark's benchmarks: one is registered for each, in
// the order of the design, so that its filter, its JSON and the rest work as people know them.
#pragma once

#include <string>
#include <vector>

#include "loadtest/lab/cells.hpp"
#include "loadtest/lab/interrupt.hpp"
#include "loadtest/lab/terminal.hpp"
#include "loadtest/matrix/folder.hpp"

namespace lab::cli {

// Google Benchmark's options, as they were typed.
class BenchmarkOptions {
public:
  // Throws SetUpFailed for one that it does not know, or that would change the order, which is
  // the design's.
  explicit BenchmarkOptions(const std::vector<std::string> &words);

  // --benchmark_repetitions: a matrix's repetitions are its blocks.
  const std::optional<int> &blocks() const { return blocks_; }
  bool lists() const { return lists_; }   // --benchmark_list_tests: nothing is run
  bool prints() const { return prints_; } // --benchmark_format: standard output is its own

private:
  std::optional<int> blocks_;
  bool lists_ = false, prints_ = false;
};

// Their names as they are filtered, in order, on standard output.
void list_cells(const matrix::Design &design);

// Runs what is left, and keeps each in the folder as it ends; a cell that was finished before
// is told to Google Benchmark again from what is recorded. Answers whether all that ran prove
// something. Throws Interrupted and what CellRunner throws; what is finished is kept.
// [one thread, once in a process]
bool run_cells(matrix::Folder &folder, CellRunner &runner, const BenchmarkOptions &options,
               Terminal &terminal, const Interrupt &interrupt);

} // namespace lab::cli
