// Where strategies are: names, folders, and private copies. Names come in over
// HTTP, paths never do. [any thread]
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lab::plugin {

// [a-z][a-z0-9_]{0,63}: no path, no zero byte, nothing to escape.
bool valid_name(std::string_view name);

// A file NAME.so in one of the folders.
struct Found {
  std::string name; // the file's stem
  std::filesystem::path path;
  std::size_t folder = 0;             // which of the folders, from 0
  std::optional<std::string> problem; // one line, why it can't be used by its name
};

// All *.so of `folders`, in the order of the folders, then by name. A name that
// an earlier folder has already is listed with a problem: the first wins. A
// folder that does not exist holds nothing.
std::vector<Found> find_strategies(const std::vector<std::filesystem::path> &folders);

// The usable one called `name`; nothing when there is none.
std::optional<Found> find_strategy(const std::vector<std::filesystem::path> &folders,
                                   std::string_view name);

// Copies `source` to a new file in `copies` that no process has ever loaded.
// Throws std::runtime_error with one line: no regular file, unreadable, larger
// than 64 MB, changed while it was read, no room. The caller removes the copy.
std::filesystem::path copy_under_fresh_name(const std::filesystem::path &source,
                                            const std::filesystem::path &copies,
                                            std::string_view name, std::uint64_t generation);

} // namespace lab::plugin
