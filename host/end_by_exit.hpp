// What becomes of the host when code of a strategy calls exit().
#pragma once

namespace lab::host {

// From now on exit() ends the process at once, with its status, until the host says that it ends
// by itself. Else what is static would be destroyed under the threads that serve: they would go
// on to accept jobs for as long as that takes, and lose each. [main thread, once, when all serves]
void end_at_once_by_exit();

void host_ends_by_itself(); // [main thread]

} // namespace lab::host
