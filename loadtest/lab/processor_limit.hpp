// How much processor and memory this process may use: a container may be given
// less than the machine has. [any thread]
#pragma once

#include <cstdint>
#include <optional>

namespace lab::cli {

// Processors that it may run on, less when a quota allows only a part: 0.5.
double usable_processors();

// Bytes that can still be used, by the machine and by the group's limit.
std::optional<std::uint64_t> usable_memory();

// Processes that its group may have; nothing when there is no limit.
std::optional<std::uint64_t> process_limit_of_group();

} // namespace lab::cli
