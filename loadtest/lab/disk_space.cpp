#include "loadtest/lab/disk_space.hpp"

#include <system_error>

#include <fmt/format.h>

namespace lab::cli {

namespace fs = std::filesystem;

std::optional<std::uintmax_t> room_at(const fs::path &path) {
  for (fs::path there = path; !there.empty(); there = there.parent_path()) {
    std::error_code absent;
    const auto space = fs::space(there, absent);
    if (!absent)
      return space.available;
    if (there == there.root_path())
      break;
  }
  return std::nullopt;
}

std::optional<std::string> full_disk(const Places &places) {
  for (const auto &[folder, holds] : {std::pair{places.home(), "what runs (LAB_HOME)"},
                                      std::pair{places.work(), "the records (LAB_WORK)"}})
    if (const auto room = room_at(folder); room && *room < least_room)
      return fmt::format("the disk of {}, which holds {}, is full ({} MB left): free some, then "
                         "scripts/lab up",
                         folder.string(), holds, *room / 1'000'000);
  return std::nullopt;
}

std::string advice_on_room(const std::string &problem) {
  const bool of_room = problem.find("No space left") != std::string::npos ||
                       problem.find("Disk quota exceeded") != std::string::npos;
  return of_room && problem.find("free some") == std::string::npos
             ? "; free some space on that disk and try again"
             : "";
}

} // namespace lab::cli
