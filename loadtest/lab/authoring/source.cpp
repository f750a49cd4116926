#include "loadtest/lab/authoring/source.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "loadtest/lab/exit_status.hpp"
#include "plugins/loader/find.hpp"

namespace lab::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 3> extensions = {".cpp", ".cc", ".c"};

bool is_text(const fs::path &file) {
  return std::find(extensions.begin(), extensions.end(), file.extension().string()) !=
         extensions.end();
}

std::string built_as(const std::string &name) {
  return name + ".so";
}

} // namespace

void check_new_name(const Places &places, const std::string &name) {
  if (!plugin::valid_name(name))
    throw SetUpFailed(fmt::format("\"{}\" is no name for a strategy: it begins with a small "
                                  "letter, and has small letters, digits and _ only",
                                  name));
  if (fs::exists(places.strategies() / built_as(name)))
    throw SetUpFailed(
        fmt::format("{} is one of the lab's own strategies: choose another name", name));
}

std::optional<Source> find_source(const Places &places, const std::string &word) {
  const fs::path path(word);
  std::vector<fs::path> found;
  std::error_code absent;
  if (is_text(path) || path.has_parent_path()) {
    if (is_text(path) && fs::is_regular_file(path, absent))
      found.push_back(fs::absolute(path));
  } else {
    for (const std::string_view extension : extensions)
      if (const fs::path file = places.my_strategies() / (word + std::string(extension));
          fs::is_regular_file(file, absent))
        found.push_back(file);
  }
  if (found.empty())
    return std::nullopt;
  if (found.size() > 1)
    throw SetUpFailed(fmt::format("{} and {} would both become {}: remove one of them",
                                  shown_path(found[0]), shown_path(found[1]), built_as(word)));
  const std::string name = found.front().stem();
  check_new_name(places, name);
  return Source{name, found.front(), places.my_strategies() / built_as(name)};
}

std::vector<Source> all_sources(const Places &places) {
  std::vector<Source> all;
  std::error_code absent;
  for (const auto &file : fs::directory_iterator(places.my_strategies(), absent)) {
    if (!is_text(file.path()))
      continue;
    try {
      const auto source = find_source(places, file.path().stem());
      if (source && source->file == file.path())
        all.push_back(*source);
    } catch (const SetUpFailed &) {
      // Said when it is asked for by its name.
    }
  }
  std::sort(all.begin(), all.end(),
            [](const Source &a, const Source &b) { return a.name < b.name; });
  return all;
}

bool needs_build(const Source &source) {
  std::error_code problem;
  const auto built = fs::last_write_time(source.library, problem);
  if (problem)
    return true;
  const auto saved = fs::last_write_time(source.file, problem);
  return !problem && saved > built;
}

std::string shown_path(const fs::path &file) {
  std::error_code problem;
  const std::string near = fs::proximate(file, problem).string();
  return problem || near.size() > file.string().size() ? file.string() : near;
}

} // namespace lab::cli
