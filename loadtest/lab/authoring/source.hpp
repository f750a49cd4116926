// The text of a strategy that somebody writes, and where its library goes:
// my/strategies/NAME.cpp becomes my/strategies/NAME.so. [any thread]
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "loadtest/lab/places.hpp"

namespace lab::cli {

struct Source {
  std::string name; // of the strategy: the file's stem
  std::filesystem::path file;
  std::filesystem::path library; // in my/strategies, wherever the text stands

  bool is_c() const { return file.extension() == ".c"; }
};

// What `word` means: a path to a .cpp, .cc or .c file anywhere, or the name of one in
// my/strategies. Nothing when there is no such text. Throws SetUpFailed: no good
// name, a name of the lab's own, two texts of one name.
std::optional<Source> find_source(const Places &places, const std::string &word);

// All of my/strategies, by name; what find_source would refuse is left out.
std::vector<Source> all_sources(const Places &places);

// There is no library yet, or the text was saved after it was built.
bool needs_build(const Source &source);

// Throws SetUpFailed, one line: not a good name, or one that the lab's own have.
void check_new_name(const Places &places, const std::string &name);

// `file` as people would type it: relative to the folder they are in where that is
// shorter.
std::string shown_path(const std::filesystem::path &file);

} // namespace lab::cli
