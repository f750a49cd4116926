// The end of a log, without what was in the data. [any thread]
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace lab::cli {

// Its last lines, whole ones; nothing when it can't be read.
std::optional<std::string> end_of_log(const std::filesystem::path &file, std::size_t lines);

// PostgreSQL quotes rows and statements behind DETAIL, CONTEXT and STATEMENT: what
// somebody's jobs carry is nobody else's.
std::string without_data(const std::string &log);

} // namespace lab::cli
