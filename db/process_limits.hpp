// How much processor and memory this process may use: a container may be given
// less than the machine has. [any thread]
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace lab::db {

// Where the kernel says which groups this process is in, and what these may use.
struct ControlGroups {
  std::filesystem::path of_process = "/proc/self/cgroup";
  std::filesystem::path tree = "/sys/fs/cgroup";
};

// Processors that it may run on, less when a quota allows only a part: 0.5.
double usable_processors(const ControlGroups &groups = {});

// Bytes that can still be used, by the machine and by the group's limit.
std::optional<std::uint64_t> usable_memory(const ControlGroups &groups = {});

// Processes that its group may have; nothing when there is no limit.
std::optional<std::uint64_t> process_limit_of_group(const ControlGroups &groups = {});

} // namespace lab::db
