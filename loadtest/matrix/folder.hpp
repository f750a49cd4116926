// A matrix on disc: `<matrices>/<UTC time>/matrix.json`, what is to be run, and `runs/`, a
// run's folder (run_folder.hpp) for each cell that is finished. A cell is there whole or not
// at all, so a matrix that was ended anyhow goes on where it was.
//
// Every function throws std::runtime_error, one line. [one process: the caller has the load
// lock]
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "loadtest/generator.hpp"
#include "loadtest/matrix/analysis.hpp"
#include "loadtest/matrix/design.hpp"

namespace lab::matrix {

class Folder {
public:
  // A new one, of the time `now`.
  static Folder begin(const std::filesystem::path &matrices, const Design &design,
                      std::chrono::system_clock::time_point now);
  static Folder open(const std::filesystem::path &folder);

  const std::filesystem::path &path() const { return path_; }
  std::string name() const { return path_.filename().string(); }
  const Design &design() const { return design_; }
  const std::vector<Cell> &cells() const { return cells_; } // in the order in which they are run

  // By the cell's place in `cells()`: its summary, once it is finished.
  const std::vector<std::optional<nlohmann::json>> &summaries() const { return summaries_; }
  std::vector<Finished> finished() const;
  std::size_t left() const; // cells

  // Why a run of that cell is no repetition of those of its arm that are finished: its strategy
  // was built anew since, or has other settings. "" where it is one.
  std::string unlike_the_others(std::size_t cell, const nlohmann::json &summary) const;

  // Those of a half-finished block that are too old to be compared with what is still to be run
  // of it: what a machine gives drifts. They are to be run anew; answers how many.
  static constexpr std::chrono::minutes longest_pause{10};
  std::size_t forget_torn(std::chrono::system_clock::time_point now);

  // Notes in the summary which cell it is, and keeps the run.
  void keep(std::size_t cell, load::RunResult &result);

  // analysis.json, beside it.
  void write_analysis(const nlohmann::json &analysis) const;

private:
  Folder(std::filesystem::path path, Design design, std::vector<Cell> cells);
  void read_runs();

  std::filesystem::path path_;
  Design design_;
  std::vector<Cell> cells_;
  std::vector<std::optional<nlohmann::json>> summaries_;
  std::vector<std::filesystem::path> runs_; // by the cell's place, once it is finished
};

// The one that was begun last; nothing when there is none.
std::optional<std::filesystem::path> newest(const std::filesystem::path &matrices);

// Removes the oldest until all together take no more than that; the newest stays.
inline constexpr std::uintmax_t keep_matrices_bytes = 1'000'000'000;
void prune(const std::filesystem::path &matrices, std::uintmax_t keep_bytes = keep_matrices_bytes);

} // namespace lab::matrix
