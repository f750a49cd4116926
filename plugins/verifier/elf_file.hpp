// Whether a file can be a shared library for this machine, told without running
// any of it: the dynamic linker would crash on some broken files. [any thread]
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace lab::plugin {

// Why not, in one line; nothing when its headers are in order.
std::optional<std::string> problem_with_file(const std::filesystem::path &file);

} // namespace lab::plugin
