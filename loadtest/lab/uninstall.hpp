// Removing all that the lab made: what that is, and doing it. `my/` and packages
// stay. No link is followed: where one stands, the link goes and not what it
// points to. [one thread]
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "loadtest/lab/places.hpp"

namespace lab::cli {

struct Removal {
  std::vector<std::filesystem::path> paths; // what is there of it, the home last
  bool system_user = false;                 // and the file that kept PostgreSQL from 5432
};

// The clone that scripts/lab stands in, as it says (LAB_CLONE).
std::optional<std::filesystem::path> clone_from_environment();

// Throws SetUpFailed when the home doesn't look like a lab's, or is a folder that
// nobody wants to lose.
void require_a_labs_home(const Places &places, const std::optional<std::filesystem::path> &clone);

// Looks only.
Removal what_to_remove(const Places &places, const std::optional<std::filesystem::path> &clone);

// Takes the lab down and removes. What could not be, one line each.
std::vector<std::string> remove(const Places &places, const Removal &removal);

} // namespace lab::cli
