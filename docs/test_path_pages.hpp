// The files of the learner's path, from the root of the repository.
#pragma once

#include <algorithm>
#include <filesystem>
#include <vector>

#include "loadtest/lab/path/step.hpp"

namespace lab::docs {

inline std::vector<path::Step> steps_of(const std::filesystem::path &source) {
  return path::read_steps(source / "docs" / "path" / "steps");
}

// What a learner reads, in that order: the first page, then the steps.
inline std::vector<std::filesystem::path> pages_in_order(const std::filesystem::path &source) {
  std::vector<std::filesystem::path> pages = {"docs/path/README.md"};
  for (const path::Step &step : steps_of(source))
    pages.push_back("docs/path/" + step.stem() + ".md");
  return pages;
}

inline std::vector<std::filesystem::path> files_below(const std::filesystem::path &source,
                                                      const std::filesystem::path &folder,
                                                      const std::string &extension) {
  std::vector<std::filesystem::path> files;
  for (const auto &entry : std::filesystem::recursive_directory_iterator(source / folder))
    if (entry.path().extension() == extension)
      files.push_back(std::filesystem::relative(entry.path(), source));
  std::sort(files.begin(), files.end());
  return files;
}

// With solutions, glossary and the instructors' page.
inline std::vector<std::filesystem::path> all_pages(const std::filesystem::path &source) {
  return files_below(source, "docs/path", ".md");
}

inline std::vector<std::filesystem::path> pictures(const std::filesystem::path &source) {
  return files_below(source, "docs/path", ".svg");
}

} // namespace lab::docs
