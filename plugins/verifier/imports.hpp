// What a library asks of others by name, read from its file without running it; and
// what of that a strategy has no use for.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lab::plugin {

// The symbols that it leaves for others to define. Nothing for a file that tells none,
// or that is damaged: the linker says that. [any thread]
std::vector<std::string> imported_names(const std::filesystem::path &library);

// One line for each habit that will hurt: threads, clocks, random numbers, files and
// sleeps of its own. In the order of this list. [any thread]
std::vector<std::string> habits(const std::vector<std::string> &imported);

} // namespace lab::plugin
