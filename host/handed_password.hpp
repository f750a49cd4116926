// The database's password, where the host can't look it up itself: handed over by
// the agent through a pipe, kept in memory alone. [any thread]
#pragma once

#include <string>

namespace lab::host {

// All that comes through `descriptor`, up to a line's end, which is then closed.
// Throws std::runtime_error, one line, when nothing comes.
std::string handed_password(int descriptor);

} // namespace lab::host
