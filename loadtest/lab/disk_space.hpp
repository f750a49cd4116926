// Room on a disk, and what to say when there is none. [any thread]
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "loadtest/lab/places.hpp"

namespace lab::cli {

// Less than this, and PostgreSQL can't go on for long: its log is written in
// pieces of 16 MB.
inline constexpr std::uintmax_t least_room = 20'000'000;

// Bytes that a user may still write on the disk of `path`, or of the nearest
// folder above it that is there. Nothing when it can't be told.
std::optional<std::uintmax_t> room_at(const std::filesystem::path &path);

// The place of the lab whose disk is full, as one line that says what to do.
std::optional<std::string> full_disk(const Places &places);

// What to do about `problem`, when it comes of a full disk: "; free some ...".
// "" when it doesn't, or when it says so itself.
std::string advice_on_room(const std::string &problem);

} // namespace lab::cli
