// Small files in a folder of the lab's user, and what to say when they fail.
// [any thread]
#pragma once

#include "db/lab_user.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace lab::db {

// Throws what errno says about `path` as one line: what, where, what to do.
[[noreturn]] void fail_with_errno(const std::filesystem::path &path, const char *what);

// All of it. Throws std::runtime_error.
std::string text_of_file(const std::filesystem::path &path);

// Mode 0600, owned by `user`. Written aside and put in place whole. Root writes
// into a folder of another user's here, so it follows no link that stands there.
void write_private_file(const std::filesystem::path &path, std::string_view text,
                        const LabUser &user);

} // namespace lab::db
