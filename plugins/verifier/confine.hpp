// What the trial's process takes away from itself before it loads the library: it
// can't be root, start a process, or send a signal to another one, and memory,
// processor time and files are limited. Nothing that a strategy needs is missed.
#pragma once

#include <filesystem>

namespace lab::plugin {

// A sanitizer's runtime needs more memory than any limit allows, and more time.
enum class Room { usual, for_a_sanitizer };

// Called once, with only this thread. What the kernel doesn't offer is left out.
// [verifier's main thread]
void confine(Room room);

// Leaves root for `run_as`, "UID:GID"; null: for nobody, if nobody may read `library`, else
// root it stays. Called by anyone else it does nothing. False when it can't be done.
// [verifier's main thread]
bool leave_root(const char *run_as, const std::filesystem::path &library);

// What a forbidden system call was, for the author: "it started another process".
// [signal handler]
const char *forbidden_act(int system_call) noexcept;

} // namespace lab::plugin
