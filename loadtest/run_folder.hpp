// A run on disc: one folder a run, the one format that reports, replay, matrix
// and page read. The format is in README.md.
//
// A folder appears whole or not at all (written under a hidden name, renamed).
// Every function throws std::runtime_error, one line. [any thread, one writer at
// a time in a folder]
#pragma once

#include "loadtest/generator.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace lab::load {

inline constexpr std::uintmax_t keep_runs_bytes = 200'000'000;

// Makes `runs_dir` when needed, writes the run, prunes. Answers the new folder:
// <UTC time>-<profile>-<strategy>-<n>.
std::filesystem::path write_run(const std::filesystem::path &runs_dir, const RunResult &result,
                                std::uintmax_t keep_bytes = keep_runs_bytes);

struct StoredRun {
  nlohmann::json run;
  nlohmann::json summary;
  nlohmann::json histograms;
  std::vector<nlohmann::json> timeline;
  std::vector<RequestLine> requests;
  std::vector<std::string> codes; // outcome -> code, 0 is "ok"
};
StoredRun read_run(const std::filesystem::path &folder);

// Parts of one, where its requests are not wanted.
nlohmann::json read_about(const std::filesystem::path &folder); // run.json
Histogram read_histogram(const std::filesystem::path &folder, const std::string &name);
std::vector<nlohmann::json> read_timeline(const std::filesystem::path &folder);

struct ListedRun {
  std::filesystem::path folder;
  nlohmann::json summary;
};
// Newest first; folders that hold no readable summary are left out.
std::vector<ListedRun> list_runs(const std::filesystem::path &runs_dir);

// Removes the oldest runs until all together are within `keep_bytes`; the newest
// stays whatever its size.
void prune_runs(const std::filesystem::path &runs_dir, std::uintmax_t keep_bytes);

} // namespace lab::load
