// The logs of daemons, which grow for as long as the lab is used. [any thread]
#pragma once

#include <cstdint>
#include <filesystem>

namespace lab::db {

// A log longer than this is begun anew when the program that writes it starts.
inline constexpr std::uintmax_t longest_log = 5'000'000;

// Call it just before that program is started: FILE becomes FILE.1, in place of
// an earlier one. A log that can't be moved just grows on.
void begin_log(const std::filesystem::path &file);

} // namespace lab::db
