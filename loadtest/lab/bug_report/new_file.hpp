// A file that was not there before, for its owner alone. [any thread]
#pragma once

#include <filesystem>
#include <string_view>

namespace lab::cli {

// Whole, or not at all. What stands there already is left as it is. `otherwise`: how
// to name another place. Throws SetUpFailed.
void write_new_file(const std::filesystem::path &file, std::string_view text,
                    std::string_view otherwise);

} // namespace lab::cli
